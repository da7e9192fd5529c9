"""Images for the page, as data URIs, so that none is stored."""

import base64
import io
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.colors import Colormap
from numpy.typing import NDArray
from PIL import Image

from idc.plots.attribution import rescale
from idc.reader_study.case import Frame

# Perceptually uniform, safe for colour blindness, and unlike the pink and purple of stained tissue.
# `managua_r` (Crameri) is blue below zero and yellow above.
SEQUENTIAL, DIVERGING = "viridis", "managua_r"
STOPS = 12  # colours of a legend


@dataclass(frozen=True)
class MapPicture:
    """A coloured attribution map.

    Attributes:
        source: PNG as a data URI; the more evidence, the more opaque.
        signed: Whether there is evidence against the class, too.
        largest: The largest absolute value, in the attribution's units.
    """

    source: str
    signed: bool
    largest: float


@dataclass(frozen=True)
class Percent:
    """Position of the patch in its surroundings, in percent of their width and height."""

    left: float
    top: float
    width: float
    height: float


def data_uri(image: NDArray[np.uint8]) -> str:
    """Encode an image, uint8 (H, W, 3) or (H, W, 4), losslessly as the source of an <img>."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def map_picture(values: NDArray[np.floating]) -> MapPicture:
    """Colour an attribution map on its own scale, transparent where there is little evidence.

    Args:
        values: float (P, P). Values that are not finite count as 0.
    """
    values = np.nan_to_num(np.asarray(values, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    scale, _ = rescale(values)
    signed = bool(values.min() < 0)
    colours = colour_map(signed)(scale(values), bytes=True)
    strength = np.clip(np.abs(values) / (abs(scale.vmax or 0) or 1), 0, 1)
    colours[..., 3] = np.round(255 * strength**0.7)
    return MapPicture(data_uri(colours), signed, float(np.abs(values).max()))


def colour_map(signed: bool) -> Colormap:
    """The colour map of signed or unsigned attributions."""
    return mpl.colormaps[DIVERGING if signed else SEQUENTIAL]


def legend_gradient(signed: bool) -> str:
    """The colours of a map as a CSS gradient, from least to most, with the same transparency."""
    places = np.linspace(0, 1, STOPS + 1)
    strength = np.abs(2 * places - 1) if signed else places
    stops = [
        f"rgb({round(255 * r)} {round(255 * g)} {round(255 * b)} / {alpha:.0%})"
        for (r, g, b, _), alpha in zip(colour_map(signed)(places), strength**0.7, strict=True)
    ]
    return f"linear-gradient(to right, {', '.join(stops)})"


def frame_percent(frame: Frame, shape: tuple[int, ...]) -> Percent:
    """Position of a frame in an image of this shape, (H, W, ...), clipped to the image."""
    left, top, side = frame
    height, width = shape[:2]
    x0, x1 = (min(max(value, 0), width) for value in (left, left + side))
    y0, y1 = (min(max(value, 0), height) for value in (top, top + side))
    return Percent(
        100 * x0 / width, 100 * y0 / height, 100 * (x1 - x0) / width, 100 * (y1 - y0) / height
    )
