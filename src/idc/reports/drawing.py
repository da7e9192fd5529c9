"""Figures to pixels and files."""

from pathlib import Path

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idc.errors import DataError
from idc.reports.picture import Picture

DPI = 120


def draw(figure: Figure, path: Path, dpi: int = DPI) -> NDArray[np.uint8]:
    """Draw a figure once, write it as PNG, and return its pixels, uint8 (H, W, 3), RGB.

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


def picture(figure: Figure, path: Path, alt: str, caption: str = "") -> Picture:
    """Draw a figure to a PNG file, and take it into the page without loss."""
    return Picture.from_pixels(draw(figure, path), alt, caption)
