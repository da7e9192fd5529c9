"""Images for the page, as data URIs, so that neither server nor browser stores any."""

import base64
import io

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from idc.plots.attribution import rescale

# Perceptually uniform, and safe for colour blindness.
# `managua_r` (Crameri) is blue below zero and yellow above.
SEQUENTIAL, DIVERGING = "viridis", "managua_r"
SMOOTH = 1 / 40  # of the patch's side: without, gradients per pixel are dust


def data_uri(image: NDArray[np.uint8], kind: str = "PNG") -> str:
    """Encode an image, uint8 (H, W, 3 or 4), as an <img>'s source: PNG without loss, or JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, kind, quality=92)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def smoothed(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Smooth an attribution map, float (P, P), for display; values not finite count as 0."""
    finite = np.nan_to_num(np.asarray(values, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    return np.asarray(gaussian_filter(finite, SMOOTH * len(finite)))


def coloured(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Colour an attribution map, float (H, W), on its own scale, as uint8 (H, W, 4).

    The more evidence, the more opaque; blue below zero and yellow above if any are below, else
    green.
    """
    scale, _ = rescale(values)
    name = DIVERGING if values.min() < 0 else SEQUENTIAL
    colours: NDArray[np.uint8] = mpl.colormaps[name](scale(values), bytes=True)
    strength = np.clip(np.abs(values) / (abs(scale.vmax or 0) or 1), 0, 1)
    colours[..., 3] = np.round(255 * strength**0.7)
    return colours


def over_grey(
    colours: NDArray[np.uint8], patch: NDArray[np.uint8], opacity: float
) -> NDArray[np.uint8]:
    """Lay a coloured map over the patch in grey, so that colour means evidence, not stain.

    Both are uint8, (P, P, 4) and (P, P, 3); `opacity`, of the strongest evidence, is in 0..1.
    """
    grey = np.asarray(Image.fromarray(patch).convert("L"), np.float64)[..., None]
    alpha = opacity * colours[..., 3:] / 255
    return np.round(alpha * colours[..., :3] + (1 - alpha) * grey).astype(np.uint8)


def legend(signed: bool) -> NDArray[np.uint8]:
    """The colours of a map from least to most evidence, over grey, uint8 (1, 101, 3)."""
    ramp = np.linspace(-1.0 if signed else 0.0, 1.0, 101)[None]
    return over_grey(coloured(ramp), np.full((1, 101, 3), 170, np.uint8), 1.0)
