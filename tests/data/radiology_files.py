"""Small DICOM and NIfTI files, with tags that must never be seen outside of them."""

from io import BytesIO
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

SECRETS = ("Roe^Jane", "MRN-775533", "19630214", "St. Elsewhere", "ACC-9182")


def dicom(
    pixels: np.ndarray, number: int = 0, syntax: str = ExplicitVRLittleEndian, **tags: Any
) -> bytes:
    """A DICOM file of grey values, (H, W) or (frames, H, W), or RGB, (H, W, 3) of uint8."""
    colour = pixels.ndim == 3 and pixels.shape[2] == 3
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    file = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    file.SOPClassUID, file.SOPInstanceUID = (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )
    file.PatientName, file.PatientID = SECRETS[0], f"{SECRETS[1]}-{number}"
    file.PatientBirthDate, file.InstitutionName, file.AccessionNumber = SECRETS[2:]
    file.Rows, file.Columns = pixels.shape[:2] if colour else pixels.shape[-2:]
    if pixels.ndim == 3 and not colour:
        file.NumberOfFrames = len(pixels)
    file.SamplesPerPixel = 3 if colour else 1
    file.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        file.PlanarConfiguration = 0
    file.BitsAllocated = file.BitsStored = 8 * pixels.dtype.itemsize
    file.PixelRepresentation = int(pixels.dtype.kind == "i")
    for name, value in tags.items():
        setattr(file, name, value)
    file.HighBit = file.BitsStored - 1
    file.PixelData = pixels.tobytes()
    file["PixelData"].VR = "OB" if pixels.dtype.itemsize == 1 else "OW"
    stream = BytesIO()
    pydicom.dcmwrite(stream, file, enforce_file_format=True)
    if syntax == ExplicitVRLittleEndian:
        return stream.getvalue()
    # Of a syntax without an encoder only its name matters.
    file.file_meta.TransferSyntaxUID = syntax
    file.PixelData = encapsulate([b"\xff\xd8\xff\xd9"])
    file["PixelData"].is_undefined_length = True
    stream = BytesIO()
    pydicom.dcmwrite(stream, file, enforce_file_format=True)
    return stream.getvalue()


def nifti(values: np.ndarray, path: Path, axes: str = "RAS", **header: float) -> bytes:
    """A NIfTI file whose array's axes point to where `axes` says."""
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for axis, letter in enumerate(axes):
        row = ["RL", "AP", "SI"].index(next(pair for pair in ("RL", "AP", "SI") if letter in pair))
        affine[row, axis] = 1 if letter in "RAS" else -1
    image = nibabel.Nifti1Image(values, affine)
    for name, value in header.items():
        image.header[name] = value
    nibabel.save(image, path)
    return path.read_bytes()
