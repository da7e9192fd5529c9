"""DICOM and NIfTI files to one grey or RGB image each; no tag that tells of a patient is read."""

import gzip
import importlib
import re
import zlib
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idc.data.decode import (
    UNKNOWN,
    Decoded,
    Reading,
    TooLargeError,
    UnreadableError,
    is_dicom,
    one_of_several,
    scale,
    to_rgb,
)
from idc.errors import ConfigError

# All that is parsed of a DICOM file. Patient, dates and institution are not.
PIXEL_TAGS = (
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PlanarConfiguration"),
    *("PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence", "PixelData"),
    *("FloatPixelData", "DoubleFloatPixelData"),
)
# A name without a suffix is a number or one of DICOM's, such as 1.2.840.
DICOM = re.compile(r".+\.(dcm|dicom)|[^.]+|.+\.\d*", re.IGNORECASE | re.DOTALL)
NIFTI = re.compile(r".+\.nii(\.gz)?", re.IGNORECASE | re.DOTALL)
GREY = ("MONOCHROME1", "MONOCHROME2")
SUPERIOR = 2  # axis of nibabel's orientations, right, anterior, superior


def require_library(paths: Iterable[str]) -> None:
    """Refuse files of radiology where the library that reads them is not installed.

    Raises:
        ConfigError: It names the extra.
    """
    names = {"pydicom": "DICOM", "nibabel": "NIfTI"}
    needed: dict[str, str] = {}
    for path in paths:
        if NIFTI.fullmatch(path):
            needed.setdefault("nibabel", path)
        elif DICOM.fullmatch(path.rpartition("/")[2]):
            needed.setdefault("pydicom", path)
    for library, path in needed.items():
        try:
            importlib.import_module(library)
        except ImportError as error:
            raise ConfigError(
                f"data: {path} is a {names[library]} file, for which the package {library} is "
                f"needed: install idc with its extra, idc[radiology]."
            ) from error


def read_patient_id(path: Path) -> str:
    """The PatientID of a DICOM file, never to be kept as it is; "" if there is none."""
    require_library([str(path)])
    pydicom = importlib.import_module("pydicom")
    try:
        tags = pydicom.dcmread(path, specific_tags=["PatientID"], stop_before_pixels=True)
        return str(tags.get("PatientID") or "").strip()
    except Exception:  # no DICOM file, or a damaged one; the words may quote a tag
        return ""


def decode_radiology(data: bytes, reading: Reading, max_pixels: int) -> Decoded | None:
    """Decode a DICOM or NIfTI file; None if it is neither.

    Raises:
        UnreadableError: It is damaged, or there is no decoder for it. The message has nothing of
            the file's tags but the name of its transfer syntax.
    """
    if is_dicom(data):
        return _decode_dicom(data, reading, max_pixels)
    if data[:2] == b"\x1f\x8b":
        try:
            head = zlib.decompressobj(wbits=31).decompress(data, 352)
        except zlib.error as error:
            raise UnreadableError("it is a damaged gzip file") from error
        return _decode_nifti(data, reading, max_pixels) if _is_nifti(head) else None
    return _decode_nifti(data, reading, max_pixels) if _is_nifti(data) else None


def _is_nifti(head: bytes) -> bool:
    sizes = [int.from_bytes(head[:4], order) for order in ("little", "big")]
    return (348 in sizes and head[344:347] in (b"n+1", b"ni1")) or (
        540 in sizes and head[4:7] == b"n+2"
    )


def _decode_dicom(data: bytes, reading: Reading, max_pixels: int) -> Decoded:
    pydicom = importlib.import_module("pydicom")
    settings = importlib.import_module("pydicom.config").settings
    settings.reading_validation_mode = 0  # no warning that quotes a value
    try:
        tags = pydicom.dcmread(BytesIO(data), specific_tags=list(PIXEL_TAGS))
        rows, columns = int(tags.Rows), int(tags.Columns)
        photometric = str(tags.PhotometricInterpretation)
        frames, stored = int(tags.get("NumberOfFrames") or 1), int(tags.BitsStored)
        syntax = tags.file_meta.TransferSyntaxUID
    except Exception as error:  # whatever the parser meets; its words may quote a tag
        problem = "it is a DICOM file without an image, or its header is damaged"
        raise UnreadableError(problem) from error
    if rows * columns > max_pixels:
        raise TooLargeError(columns, rows)
    if photometric == "PALETTE COLOR":
        raise UnreadableError("its colours are a palette; save it as RGB")
    frame = one_of_several(frames, reading.slice, "frames")
    try:
        values = importlib.import_module("pydicom.pixels").pixel_array(tags, index=frame)
    except Exception as error:
        problem = (
            f"its pixels cannot be decoded; its transfer syntax is {syntax.name}. Decompress it, "
            f"as with dcmdjpeg of DCMTK or gdcmconv --raw of GDCM"
        )
        raise UnreadableError(problem) from error
    allocated = int(tags.BitsAllocated)
    if photometric not in GREY:
        full = (0.0, float(2**stored - 1))
        image, facts = scale(values, full, None if allocated == 8 else reading.window)
        return Decoded(to_rgb(image, bgr=False), f"{allocated}-bit RGB", "DICOM", *facts)
    values, full = _in_units(values, tags, stored)
    image, facts = _windowed(values, tags, reading, full)
    if photometric == "MONOCHROME1":
        image = 255 - image
    return Decoded(to_rgb(image), f"{allocated}-bit grey", "DICOM", *facts)


def _in_units(
    values: NDArray[Any], tags: Any, stored: int
) -> tuple[NDArray[Any], tuple[float, float]]:
    """Values after the modality's rescaling, as a window means them, and their range."""
    if "ModalityLUTSequence" in tags:
        values = importlib.import_module("pydicom.pixels").apply_modality_lut(values, tags)
        bits = int(tags.ModalityLUTSequence[0].LUTDescriptor[2])
        return values, (0.0, float(2**bits - 1))
    if values.dtype.kind == "f":
        return values, (0.0, 1.0)
    signed = bool(tags.PixelRepresentation)
    low, high = (-(2 ** (stored - 1)), 2 ** (stored - 1) - 1) if signed else (0, 2**stored - 1)
    slope = float(tags.get("RescaleSlope") or 1)
    intercept = float(tags.get("RescaleIntercept") or 0)
    if (slope, intercept) == (1, 0):
        return values, (float(low), float(high))
    ends = sorted((low * slope + intercept, high * slope + intercept))
    return values.astype(np.float32) * slope + intercept, (ends[0], ends[1])


def _windowed(
    values: NDArray[Any], tags: Any, reading: Reading, full: tuple[float, float]
) -> tuple[NDArray[np.uint8], tuple[float, float, float]]:
    """8 bits by ``data.window``, else by the file's own window, else by the range of the values."""
    if reading.window is not None:
        return scale(values, full, reading.window)
    if "VOILUTSequence" in tags:
        shown = importlib.import_module("pydicom.pixels").apply_voi_lut(values, tags)
        top = 2 ** int(tags.VOILUTSequence[0].LUTDescriptor[2]) - 1
        return scale(shown, (0.0, float(top)), None)[0], UNKNOWN
    if tags.get("WindowCenter") is None or tags.get("WindowWidth") is None:
        return scale(values, full, None)
    # Several windows are alternatives; the first is the one that viewers show.
    center, width = (
        float(np.atleast_1d(tags[key].value)[0]) for key in ("WindowCenter", "WindowWidth")
    )
    form = str(tags.get("VOILUTFunction") or "LINEAR")
    if form == "SIGMOID":
        exponent = np.clip(-4 * (values.astype(np.float32) - center) / width, -50, 50)
        return np.rint(255 / (1 + np.exp(exponent))).astype(np.uint8), UNKNOWN
    if form == "LINEAR":  # PS3.3 C.11.2.1.2.1: between pixel centres
        center, width = center - 0.5, width - 1
    return scale(values, full, (center, max(width, 1e-6)))[0], UNKNOWN


def _decode_nifti(data: bytes, reading: Reading, max_pixels: int) -> Decoded:
    nibabel = importlib.import_module("nibabel")
    try:
        stream = gzip.GzipFile(fileobj=BytesIO(data)) if data[:2] == b"\x1f\x8b" else BytesIO(data)
        kind = nibabel.Nifti2Image if _is_nifti2(stream) else nibabel.Nifti1Image
        volume = kind.from_stream(stream)
        shape = tuple(n for i, n in enumerate(volume.shape) if i < 3 or n > 1)
        turned = nibabel.io_orientation(volume.affine)
        bounds = float(volume.header["cal_min"]), float(volume.header["cal_max"])
        scaled = volume.dataobj.slope, volume.dataobj.inter
        stored = volume.get_data_dtype()
    except Exception as error:
        raise UnreadableError("it is a NIfTI file whose header is damaged") from error
    if stored.kind not in "iuf":
        raise UnreadableError("it is a NIfTI file whose values are no plain numbers")
    if len(shape) > 3:
        size = "x".join(map(str, shape))
        raise UnreadableError(f"it has {len(shape)} dimensions ({size}); save one volume per file")
    shape = (*shape, *(1,) * (3 - len(shape)))
    axes = [int(axis) if axis == axis else i for i, axis in enumerate(turned[:, 0])]
    height_axis = axes.index(SUPERIOR)
    across = [n for i, n in enumerate(shape) if i != height_axis]
    if across[0] * across[1] > max_pixels:
        raise TooLargeError(across[0], across[1])
    number = one_of_several(shape[height_axis], reading.slice, "slices")
    if turned[height_axis, 1] < 0:  # slices count from the feet up
        number = shape[height_axis] - 1 - number
    cut: list[Any] = [slice(None)] * 3 + [0] * (len(volume.shape) - 3)
    cut[height_axis] = number
    try:
        values = np.asarray(volume.dataobj[tuple(cut[: len(volume.shape)])])
    except Exception as error:
        raise UnreadableError("it is a NIfTI file that ends early, or is damaged") from error
    values = values.reshape(across)
    left = [i for i in range(3) if i != height_axis]
    # Rows from the front to the back, columns from the patient's right to the left.
    for place, axis in enumerate(left):
        if turned[axis, 1] > 0:
            values = np.flip(values, place)
    if axes[left[0]] == 0:
        values = values.T
    full = (0.0, 1.0)
    if stored.kind in "iu" and scaled == (1.0, 0.0):
        limits = np.iinfo(stored)
        full = (float(limits.min), float(limits.max))
    if reading.window is None and bounds[1] > bounds[0]:
        image, facts = scale(values, bounds, None)[0], UNKNOWN
    else:
        image, facts = scale(values, full, reading.window)
    kind_of = {"u": "", "i": " signed", "f": " float"}[stored.kind]
    return Decoded(to_rgb(image), f"{8 * stored.itemsize}-bit{kind_of} grey", "NIfTI", *facts)


def _is_nifti2(stream: Any) -> bool:
    head = stream.read(8)
    stream.seek(0)
    return bool(head[4:7] == b"n+2")
