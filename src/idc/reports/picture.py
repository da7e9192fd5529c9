"""Images that travel inside a page."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

LOSSLESS = 101  # as OpenCV counts the quality of WebP
PHOTOGRAPH = 88  # at which loss is not seen in a figure of patches
WEBP_LIMIT = 16_383  # pixels of a side


@dataclass(frozen=True)
class Picture:
    """An image that travels inside the page.

    Attributes:
        data: The image file's bytes.
        mime: Its type, such as ``image/webp``.
        width: In pixels.
        height: In pixels.
        alt: What it shows, for those who do not see it.
        caption: A sentence below it.
        enlarged: Times it is shown enlarged, each pixel as a square: nothing is made up between
            them.
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
        """An image of an array.

        It becomes a WebP, which every browser since 2020 shows: without loss, figures take a fifth
        of what they take as PNG.

        Args:
            pixels: uint8 (H, W, 3), RGB.
            alt: What it shows.
            caption: A sentence below it.
            quality: 1..100 with loss, for photographs; 101 (the default) without.
            enlarged: Times it is shown enlarged, each pixel as a square.
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
        """A figure that was saved, such as a PNG, without loss; 8 bits a colour, no transparency.

        Args:
            path: The image file.
            alt: What it shows.
            caption: A sentence below it.
            limit: Bytes from which a figure is kept with a little loss: those that are so large
                without hold photographs.

        Raises:
            ValueError: The file is no image.
        """
        pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR_RGB)
        if pixels is None:
            raise ValueError(f"{path} is no image")
        found = cls.from_pixels(np.asarray(pixels, np.uint8), alt, caption)
        if limit is not None and len(found.data) > limit:
            return cls.from_pixels(np.asarray(pixels, np.uint8), alt, caption, PHOTOGRAPH)
        return found

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
