"""DICOM and NIfTI files become the image that a viewer shows, and no tag is seen."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1
from radiology_files import SECRETS, dicom, nifti

from idc.data.decode import Reading, TooLargeError, UnreadableError, decode
from idc.data.radiology import read_patient_id, require_library
from idc.errors import ConfigError

RAMP = np.arange(64, dtype=np.uint16).reshape(8, 8) * 65  # 0 to 4095, twelve bits


def grey(data: bytes, reading: Reading | None = None) -> np.ndarray:
    patch = decode(data, reading=reading).patch
    assert (patch[..., 0] == patch[..., 2]).all()
    return patch[..., 0]


def test_stored_bits_are_the_range_without_a_window() -> None:
    decoded = decode(dicom(RAMP, BitsStored=12))
    assert (decoded.format, decoded.mode) == ("DICOM", "16-bit grey")
    assert (decoded.patch[..., 0] == np.rint(RAMP / 4095 * 255)).all()
    assert (decoded.low, decoded.high, decoded.used) == (0, 4095, 1)


def test_the_files_own_window_in_the_units_of_the_rescaling() -> None:
    tags = {"RescaleSlope": 2, "RescaleIntercept": -1000, "WindowWidth": 400}
    data = dicom(RAMP, WindowCenter=[40, 300], BitsStored=12, **tags)
    units = RAMP.astype(float) * 2 - 1000
    expected = np.clip(((units - 39.5) / 399 + 0.5) * 255, 0, 255)
    assert np.abs(grey(data) - expected).max() <= 0.5
    assert np.isnan(decode(data).used)
    ours = np.clip((units + 1000) / 2000 * 255, 0, 255)
    assert np.abs(grey(data, Reading(window=(0, 2000))) - ours).max() <= 0.5


def test_a_sigmoid_window_and_inverted_greys() -> None:
    tags = {"WindowCenter": 2000, "WindowWidth": 1000, "VOILUTFunction": "SIGMOID"}
    expected = 255 / (1 + np.exp(-4 * (RAMP.astype(float) - 2000) / 1000))
    assert np.abs(grey(dicom(RAMP, **tags)) - expected).max() <= 0.5
    plain = grey(dicom(RAMP, BitsStored=12))
    inverted = dicom(RAMP, BitsStored=12, PhotometricInterpretation="MONOCHROME1")
    assert (grey(inverted) == 255 - plain).all()


def test_of_several_frames_the_middle_one_or_the_chosen_one() -> None:
    data = dicom(np.stack([np.full((4, 5), v, np.uint8) for v in (10, 20, 30)]))
    assert (grey(data) == 20).all()
    assert (grey(data, Reading(slice=0)) == 10).all()
    with pytest.raises(UnreadableError, match=r"3 frames, so there is none for data\.slice=3"):
        decode(data, reading=Reading(slice=3))


def test_colour() -> None:
    image = np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)
    decoded = decode(dicom(image))
    assert decoded.mode == "8-bit RGB"
    assert (decoded.patch == image).all()


def test_what_cannot_be_read_names_no_tag_but_the_syntax(caplog: pytest.LogCaptureFixture) -> None:
    whole = dicom(RAMP)
    cases = {
        "JPEG Lossless": dicom(RAMP, syntax=JPEGLosslessSV1),
        "JPEG 2000": dicom(RAMP, syntax=JPEG2000Lossless),
        "transfer syntax is Explicit VR": whole[:-100],
        "header is damaged": whole[:200],
    }
    for words, data in cases.items():
        with pytest.raises(UnreadableError, match=words) as caught:
            decode(data)
        assert not any(secret in str(caught.value) + caplog.text for secret in SECRETS)
    with pytest.raises(TooLargeError) as large:
        decode(whole, 63)
    assert (large.value.width, large.value.height) == (8, 8)


def test_the_patients_id_is_read_for_pseudonyms_only(tmp_path: Path) -> None:
    (tmp_path / "IM0001").write_bytes(dicom(RAMP, 3))
    assert read_patient_id(tmp_path / "IM0001") == f"{SECRETS[1]}-3"
    (tmp_path / "other.dcm").write_bytes(b"nothing")
    assert read_patient_id(tmp_path / "other.dcm") == ""


BRAIN = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_an_axial_slice_lies_as_radiologists_see_it(tmp_path: Path, name: str) -> None:
    """Front at the top, the patient's right on the left, whatever the order of the axes."""
    expected = {k: BRAIN[::-1, ::-1, k].T for k in range(4)}
    data = nifti(BRAIN, tmp_path / name)
    decoded = decode(data)
    assert (decoded.format, decoded.mode) == ("NIfTI", "8-bit grey")
    assert (decoded.patch[..., 0] == expected[2]).all()
    assert (grey(data, Reading(slice=0)) == expected[0]).all()
    turned = nifti(BRAIN.transpose(2, 0, 1)[::-1, :, ::-1], tmp_path / name, "IRP")
    for number in range(4):
        assert (grey(turned, Reading(slice=number)) == expected[number]).all()


def test_values_of_a_volume_by_its_own_limits_or_a_window(tmp_path: Path) -> None:
    values = np.linspace(-1000, 1000, 24, dtype=np.float32).reshape(2, 3, 4)
    plain = decode(nifti(values, tmp_path / "a.nii"))
    assert plain.mode == "32-bit float grey"
    assert plain.used == np.inf  # beyond 0 to 1: the audit asks for a window
    limits = grey(nifti(values, tmp_path / "b.nii", cal_min=-1000, cal_max=1000))
    window = grey(nifti(values, tmp_path / "a.nii"), Reading(window=(0, 2000)))
    assert (limits == window).all()
    assert np.abs(window.astype(float) - (values[::-1, ::-1, 2].T + 1000) / 2000 * 255).max() <= 0.5


def test_volumes_of_more_dimensions_or_damaged_are_refused(tmp_path: Path) -> None:
    four = nifti(np.zeros((2, 3, 4, 5), np.uint8), tmp_path / "a.nii")
    with pytest.raises(UnreadableError, match="4 dimensions"):
        decode(four)
    whole = nifti(BRAIN, tmp_path / "a.nii.gz")
    for data in (nifti(BRAIN, tmp_path / "b.nii")[:-12], whole[:-20], whole[:12]):
        with pytest.raises(UnreadableError):
            decode(data)
    with pytest.raises(TooLargeError):
        decode(whole, 5)


def test_the_extra_is_named_where_a_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    require_library(["a/b.png"])
    for path in ("a/b.nii.gz", "a/b.dcm", "a/IM0001", "a/1.2.840"):
        with pytest.raises(ConfigError, match=rf"{path}.*idc\[radiology\]"):
            require_library([path])
