"""Images embedded in a page."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.errors import DataError

LOSSLESS = 101  # OpenCV's quality of lossless WebP
PHOTOGRAPH = 88  # quality without visible loss in a figure of patches
DPI = 120  # of figures
WEBP_LIMIT = 16_383  # pixels of a side


@dataclass(frozen=True)
class Picture:
    """An image embedded in the page.

    Attributes:
        data: The image file's bytes.
        mime: Its type, such as ``image/webp``.
        width: In pixels.
        height: In pixels.
        alt: Description for readers who cannot see it.
        caption: A sentence below it.
        enlarged: Integer factor of enlargement, without interpolation.
    """

    data: bytes = field(repr=False)
    mime: str
    width: int
    height: int
    alt: str
    caption: str = ""
    enlarged: int = 1

    kind: ClassVar[str] = "picture"

    @classmethod
    def from_pixels(
        cls,
        pixels: NDArray[np.uint8],
        alt: str,
        caption: str = "",
        quality: int = LOSSLESS,
        enlarged: int = 1,
    ) -> "Picture":
        """Create an image from an array.

        It is encoded as WebP, which every browser supports since 2020: lossless figures need a
        fifth of the size of a PNG.

        Args:
            pixels: uint8 (H, W, 3), RGB.
            alt: Description.
            caption: A sentence below it.
            quality: 1..100 is lossy, for photographs; 101 (the default) is lossless.
            enlarged: Integer factor of enlargement, without interpolation.
        """
        height, width = pixels.shape[:2]
        kind = "webp" if max(height, width) <= WEBP_LIMIT else "png"
        options = [cv2.IMWRITE_WEBP_QUALITY, quality] if kind == "webp" else []
        _, data = cv2.imencode(f".{kind}", np.ascontiguousarray(pixels[:, :, ::-1]), options)
        return cls(data.tobytes(), f"image/{kind}", width, height, alt, caption, enlarged)

    @classmethod
    def from_file(
        cls, path: Path, alt: str, caption: str = "", limit: int | None = None
    ) -> "Picture":
        """Read a saved figure, such as a PNG, with 8 bits per colour and without transparency.

        Args:
            path: The image file.
            alt: Description.
            caption: A sentence below it.
            limit: Size in bytes above which a figure is compressed with loss, as it then contains
                photographs.

        Raises:
            ValueError: The file is not an image.
        """
        pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR_RGB)
        if pixels is None:
            raise ValueError(f"{path} is not an image")
        picture = cls.from_pixels(np.asarray(pixels, np.uint8), alt, caption)
        if limit is not None and len(picture.data) > limit:
            return cls.from_pixels(np.asarray(pixels, np.uint8), alt, caption, PHOTOGRAPH)
        return picture

    @property
    def shown_width(self) -> int:
        """Width on the page, in CSS pixels."""
        return self.width * self.enlarged

    @property
    def shown_height(self) -> int:
        """Height on the page, in CSS pixels."""
        return self.height * self.enlarged

    @property
    def uri(self) -> str:
        """The image as a data URI."""
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode('ascii')}"


def draw(figure: Figure, path: Path, dpi: int = DPI) -> NDArray[np.uint8]:
    """Draw a figure, write it as PNG, and return its pixels, uint8 (H, W, 3), RGB.

    Raises:
        DataError: The file cannot be written.
    """
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    drawn = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    pixels = np.ascontiguousarray(drawn[:, :, :3])
    _, data = cv2.imencode(".png", pixels[:, :, ::-1])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise DataError(f"{path}: the figure cannot be written ({error.strerror}).") from error
    return pixels


def figure_picture(figure: Figure, path: Path, alt: str, caption: str = "") -> Picture:
    """Draw a figure to a PNG file and return it as a lossless image for the page."""
    return Picture.from_pixels(draw(figure, path), alt, caption)
