"""From the bytes of an image file to a square RGB patch, with every oddity reported."""

import io
import struct
import warnings
from dataclasses import dataclass
from typing import Literal

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
MAX_PIXELS = 4096 * 4096
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
class Decoded:
    """A patch, uint8 (H, W, 3), RGB, the mode that its file has, and the file's format."""

    patch: NDArray[np.uint8]
    mode: str = RGB
    format: str = "PNG"


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> Decoded:
    """Decode an image file.

    Grey, 16-bit and RGBA images are turned into 8-bit RGB: 16-bit by dropping the low byte, RGBA
    by laying it on white, the colour of glass.

    Args:
        data: The whole file.
        max_pixels: An image that has more by its header is not decoded.

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
    return Decoded(_to_rgb(image), mode, kind)


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
    return f"{bits}-bit {kind}"


def _to_rgb(image: NDArray[np.generic]) -> NDArray[np.uint8]:
    wide = image.dtype == np.uint16
    eight = (np.right_shift(np.asarray(image, np.uint16), 8) if wide else image).astype(np.uint8)
    if eight.ndim == 2:
        return np.repeat(eight[:, :, None], 3, axis=2)
    colour = eight[:, :, 2::-1]
    if eight.shape[2] == 4:
        alpha = eight[:, :, 3:].astype(np.float32) / 255
        colour = np.rint(colour * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return np.ascontiguousarray(colour)
