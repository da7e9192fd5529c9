"""From the bytes of an image file to a square RGB patch, with every oddity reported."""

import importlib
import io
import struct
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from idc.errors import first_line

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_END = b"IEND\xaeB`\x82"
PNG_HEADER = struct.Struct(">IIBB")  # width, height, bits, type of colour
PLAIN_PNG = (8, 2)  # 8 bits a channel, RGB
TRUNCATED = "the PNG ends early (truncated)"
TOO_LARGE = "it has more pixels than data.max_pixels"
# How a file's name may end, to what it should hold, as Pillow names it.
SUFFIXES = {
    "png": "PNG",
    "jpg": "JPEG",
    "jpeg": "JPEG",
    "tif": "TIFF",
    "tiff": "TIFF",
    "bmp": "BMP",
    "webp": "WEBP",
}
# The same of radiology, which is read by libraries of its own; DICOM files may have no suffix.
RADIOLOGY = {"dcm": "DICOM", "dicom": "DICOM", "nii": "NIfTI", "nii.gz": "NIfTI"}
DICOM_MARK, DICOM_PREAMBLE = b"DICM", 128
MAX_PIXELS = 4096 * 4096
UNKNOWN = (float("nan"), float("nan"), float("nan"))  # `Decoded.low`, `high` and `used`
# Modes of Pillow that OpenCV turns into RGB without a word.
TURNED_INTO_RGB = {"P": "palette", "PA": "palette", "CMYK": "CMYK", "LAB": "Lab", "HSV": "HSV"}

# Said at reading a header, from half of the size on at which it becomes an error.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

Edge = Literal["pad", "resize"]


class UnreadableError(Exception):
    """The bytes are no whole image; the message says what is wrong with them."""


class TooLargeError(UnreadableError):
    """By its header an image has more pixels than are decoded."""

    def __init__(self, width: int = 0, height: int = 0) -> None:
        super().__init__(TOO_LARGE)
        self.width, self.height = width, height


RGB = "8-bit RGB"


@dataclass(frozen=True)
class Reading:
    """How files are read that hold more than one 8-bit image shows.

    Attributes:
        window: Centre and width of the values that become black to white, for values of more than
            8 bits; None for the file's own window (DICOM, NIfTI), else the range of their type:
            0 to 65,535 of 16 bits, that of the stored bits of DICOM, 0 to 1 of floating point.
        slice: Which frame of a DICOM file and which axial slice of a NIfTI file is taken, from 0
            (the lowest slice); None for the one in the middle.
    """

    window: tuple[float, float] | None = None
    slice: int | None = None


@dataclass(frozen=True)
class Decoded:
    """A decoded file.

    Attributes:
        patch: uint8 (H, W, 3), RGB.
        mode: The mode that the file has, such as ``16-bit grey``.
        format: The file's format.
        low: Its smallest value, where the range of its type was taken; else NaN.
        high: Its largest value; the same.
        used: The share of that range from `low` to `high`; infinite if they lie beyond it.
    """

    patch: NDArray[np.uint8]
    mode: str = RGB
    format: str = "PNG"
    low: float = float("nan")
    high: float = float("nan")
    used: float = float("nan")


def decode(data: bytes, max_pixels: int = MAX_PIXELS, reading: Reading | None = None) -> Decoded:
    """Decode an image file.

    Grey, deeper and RGBA images are turned into 8-bit RGB: deeper ones as `reading` says, RGBA
    by laying it on white, the colour of glass.

    Args:
        data: The whole file.
        max_pixels: An image that has more by its header is not decoded.
        reading: How images of more than 8 bits, and files of several, are read.

    Returns:
        The patch as uint8 (H, W, 3), RGB, with its file's mode and format.

    Raises:
        TooLargeError: The image has too many pixels.
        UnreadableError: No bytes, bytes that end early, or bytes that no decoder knows.
    """
    if not data:
        raise UnreadableError("the file has 0 bytes")
    # OpenCV returns a truncated PNG as a whole image, its missing rows black: look at the end.
    if data.startswith(PNG_SIGNATURE) and PNG_END not in data[-64:]:
        raise UnreadableError(TRUNCATED)
    if is_dicom(data) or data[:2] == b"\x1f\x8b" or b"n+" in (data[344:346], data[4:6]):
        # Not sooner: it needs this module, and few have its libraries.
        radiology = importlib.import_module("idc.data.radiology")
        image = radiology.decode_radiology(data, reading or Reading(), max_pixels)
        if image is not None:
            return image  # type: ignore[no-any-return]
    width, height, kind, special = _header(data)
    if width * height > max_pixels:
        raise TooLargeError(width, height)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise UnreadableError(f"OpenCV cannot decode it ({error.err})") from error
    if image is None:
        raise UnreadableError("it is no image that OpenCV can decode (corrupt)")
    mode = _mode(image)
    if mode == RGB:
        return Decoded(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), special or mode, kind)
    if image.dtype.kind == "f" and not np.isfinite(image).any():
        raise UnreadableError("none of its values is a number (all are NaN or infinite)")
    window = (reading or Reading()).window if image.dtype != np.uint8 else None
    eight, facts = scale(image, _range(image.dtype), window)
    return Decoded(to_rgb(eight), mode, kind, *facts)


def is_dicom(data: bytes) -> bool:
    """Whether a file that begins like this is in DICOM's format."""
    return data[DICOM_PREAMBLE : DICOM_PREAMBLE + len(DICOM_MARK)] == DICOM_MARK


def one_of_several(count: int, chosen: int | None, what: str) -> int:
    """The frame or slice that is read: the chosen one, or the one in the middle.

    Raises:
        UnreadableError: There are not so many.
    """
    if chosen is not None and chosen >= count:
        raise UnreadableError(f"it has {count} {what}, so there is none for data.slice={chosen}")
    return count // 2 if chosen is None else chosen


def scale(
    values: NDArray[Any], full: tuple[float, float], window: tuple[float, float] | None
) -> tuple[NDArray[np.uint8], tuple[float, float, float]]:
    """Values in 8 bits, and `Decoded.low`, `Decoded.high` and `Decoded.used`.

    Args:
        values: Any numbers; NaN becomes black.
        full: The range that is taken without a window.
        window: Centre and width of the range that becomes black to white.
    """
    if window is None and full == (0.0, 255.0) and values.dtype == np.uint8:
        return np.asarray(values, np.uint8), UNKNOWN
    low, high = full
    if window is not None:
        low, high = window[0] - window[1] / 2, window[0] + window[1] / 2
    scaled = (values.astype(np.float32) - low) * (255 / (high - low))
    eight = np.rint(np.nan_to_num(np.clip(scaled, 0, 255))).astype(np.uint8)
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if window is not None or not finite.size:
        return eight, UNKNOWN
    least, most = float(finite.min()), float(finite.max())
    beyond = least < low or most > high
    return eight, (least, most, float("inf") if beyond else (most - least) / (high - low))


def fit_square(patch: NDArray[np.uint8], size: int, edge: Edge) -> NDArray[np.uint8]:
    """Bring a patch to (size, size, 3).

    Patches at the edge of a slide are smaller than the rest. ``pad`` puts them in the top left
    corner, where they lay on the slide, and mirrors their content into the gap (a constant would
    be a mark of the edge that a network can learn); ``resize`` stretches them. A patch larger than
    `size` is always resized.
    """
    height, width = patch.shape[:2]
    if (height, width) == (size, size):
        return patch
    if edge == "pad" and height <= size and width <= size:
        return np.asarray(
            cv2.copyMakeBorder(patch, 0, size - height, 0, size - width, cv2.BORDER_REFLECT),
            np.uint8,
        )
    shrink = height > size or width > size
    method = cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(patch, (size, size), interpolation=method), np.uint8)


def _header(data: bytes) -> tuple[int, int, str, str]:
    """Width, height, format, and the mode if it is one that OpenCV hides, of an image file."""
    if data.startswith(PNG_SIGNATURE) and len(data) > 26:  # for a PNG, Pillow takes ten times this
        width, height, *colour = PNG_HEADER.unpack_from(data, 16)
        if tuple(colour) == PLAIN_PNG:
            return width, height, "PNG", ""
    try:
        with Image.open(io.BytesIO(data), formats=sorted(set(SUFFIXES.values()))) as image:
            if image.format == "TIFF" and (pages := getattr(image, "n_frames", 1)) > 1:
                raise UnreadableError(f"it is a TIFF of {pages} pages; save one image per file")
            kind = "JPEG" if image.format == "MPO" else str(image.format)
            return image.width, image.height, kind, TURNED_INTO_RGB.get(image.mode, "")
    except Image.DecompressionBombError as error:
        raise TooLargeError from error
    except UnidentifiedImageError as error:
        names = ", ".join(sorted(set(SUFFIXES.values())))
        raise UnreadableError(f"it is no image in one of the formats {names}") from error
    except (OSError, ValueError, SyntaxError, struct.error) as error:
        raise UnreadableError(f"its header is damaged ({first_line(error)})") from error


def _mode(image: NDArray[np.generic]) -> str:
    bits = image.dtype.itemsize * 8
    channels = 1 if image.ndim == 2 else image.shape[2]
    kind = {1: "grey", 3: "RGB", 4: "RGBA"}.get(channels, f"{channels}-channel")
    number = {"u": "", "i": " signed", "f": " float"}[image.dtype.kind]
    return f"{bits}-bit{number} {kind}"


def _range(kind: "np.dtype[Any]") -> tuple[float, float]:
    """The values of a type: 0 to 1 of floating point."""
    if kind.kind == "f":
        return 0.0, 1.0
    limits = np.iinfo(kind)
    return float(limits.min), float(limits.max)


def to_rgb(image: NDArray[np.uint8], bgr: bool = True) -> NDArray[np.uint8]:
    """An 8-bit image, grey, BGR or BGRA (or RGB), as RGB."""
    if image.ndim == 2:
        return np.repeat(image[:, :, None], 3, axis=2)
    colour = image[:, :, 2::-1] if bgr else image[:, :, :3]
    if image.shape[2] == 4:
        alpha = image[:, :, 3:].astype(np.float32) / 255
        colour = np.rint(colour * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return np.ascontiguousarray(colour)
