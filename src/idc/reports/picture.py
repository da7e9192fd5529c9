"""Images embedded in a page."""

import base64
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)
LOSSLESS = 101  # OpenCV's quality of lossless WebP
PHOTOGRAPH = 88  # quality without visible loss in a figure of patches
WEBP_LIMIT = 16_383  # pixels of a side
LOSSY_FROM = 150_000  # bytes of a PNG; those with photographs are larger
REST_LIMIT = 1_500_000  # total bytes of the figures outside the sections


class Picture(NamedTuple):
    """An image file in memory, its type, such as ``image/webp``, and its size in pixels."""

    data: bytes
    mime: str
    width: int
    height: int

    @property
    def uri(self) -> str:
        """The image as a data URI."""
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode('ascii')}"


def encode_picture(pixels: NDArray[np.uint8], quality: int = LOSSLESS) -> Picture:
    """Encode an image, uint8 (H, W, 3), RGB, as WebP.

    A quality of 1..100 is lossy, for photographs; 101 (the default) is lossless.
    """
    height, width = pixels.shape[:2]
    kind = "webp" if max(height, width) <= WEBP_LIMIT else "png"
    options = [cv2.IMWRITE_WEBP_QUALITY, quality] if kind == "webp" else []
    _, data = cv2.imencode(f".{kind}", np.ascontiguousarray(pixels[:, :, ::-1]), options)
    return Picture(data.tobytes(), f"image/{kind}", width, height)


def read_picture(path: Path, quality: int | None = None) -> Picture:
    """Read a saved PNG with 8 bits per colour and without transparency.

    Without a quality, see `encode_picture`, a small file is embedded as it is, and a large one,
    which contains photographs, is compressed with loss.

    Raises:
        ValueError: The file is not an image.
    """
    data = path.read_bytes()
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise ValueError(f"{path} is not an image")
    if quality is None and len(data) <= LOSSY_FROM:
        return Picture(data, "image/png", pixels.shape[1], pixels.shape[0])
    return encode_picture(np.asarray(pixels, np.uint8), quality or PHOTOGRAPH)


class Figures:
    """The PNG files in folders of `root`, "" for itself, each of which is shown once."""

    def __init__(self, root: Path, *folders: str) -> None:
        self._paths = {
            f"{folder}/{path.stem}".lstrip("/"): path
            for folder in folders
            for path in sorted((root / folder).glob("*.png"))
        }

    def names(self, start: str = "") -> list[str]:
        """The names of the figures not yet shown that begin with a prefix."""
        return [name for name in self._paths if name.startswith(start)]

    def take(self, name: str, quality: int | None = None) -> Picture | None:
        """A figure by its path below the root, without ``.png``; None if there is none left."""
        path = self._paths.pop(name, None)
        if path is None:
            return None
        try:
            return read_picture(path, quality)
        except (ValueError, OSError) as error:
            log.warning("report: %s is left out (%s)", path.name, error)
            return None

    def rest(self) -> Iterator[tuple[str, Picture]]:
        """Name and image of the figures not yet shown, up to a total size."""
        room = REST_LIMIT
        for name, path in list(self._paths.items()):
            picture = self.take(name)
            if picture is None:
                continue
            if len(picture.data) > room:
                self._paths[name] = path
                continue
            room -= len(picture.data)
            yield name, picture
