"""Slide maps of tissue and classes, and the drawing functions that slide figures share."""

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray

from idc.plots.mosaic import EMPTY, Places
from idc.plots.style import BLACK, class_colours, literal, new_figure

WIDTH = 10.0  # inches
TALLEST = 8.0
TINT = 0.42
BACKGROUND = "#{:02x}{:02x}{:02x}".format(*EMPTY)


def tint(
    tissue: NDArray[np.uint8], labels: NDArray[np.integer], colours: Sequence[str]
) -> NDArray[np.uint8]:
    """Overlay the colour of each patch's class on the tissue in grey.

    The tissue is grey because colours on H&E (pink and violet) would be mistaken for stain.

    Args:
        tissue: Mosaic, uint8 (H * cell, W * cell, 3), RGB.
        labels: Class at each place, int (H, W), -1 without a patch.
        colours: Colour of each class, as #rrggbb.

    Returns:
        uint8, as large as `tissue`; places without a patch are as in `tissue`.
    """
    return blend(tissue, labels, colours, [TINT] * len(colours))


def blend(
    tissue: NDArray[np.uint8],
    kinds: NDArray[np.integer],
    colours: Sequence[str],
    strengths: Sequence[float],
) -> NDArray[np.uint8]:
    """Overlay colours as `tint`, with an opacity per kind.

    Args:
        tissue: Mosaic, uint8 (H * cell, W * cell, 3), RGB.
        kinds: Kind of each place, int (H, W), -1 without a patch.
        colours: Colour of each kind, as #rrggbb.
        strengths: Opacity of each kind, from 0 (grey tissue) to 1 (hidden tissue).

    Returns:
        uint8, as large as `tissue`; places without a patch are as in `tissue`.
    """
    cell = tissue.shape[0] // kinds.shape[0]
    wide = np.repeat(np.repeat(kinds, cell, 0), cell, 1)
    palette = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours], np.float32)
    share = np.array(strengths, np.float32)[np.maximum(wide, 0), None]
    grey = tissue @ np.array([0.299, 0.587, 0.114], np.float32)
    mixed = (1 - share) * grey[..., None] + share * palette[np.maximum(wide, 0)]
    return np.where(wide[..., None] < 0, tissue, np.rint(mixed).astype(np.uint8))


def outline(inside: NDArray[np.bool_], places: Places) -> NDArray[np.float64]:
    """Edges between places inside and outside of a region.

    Args:
        inside: bool (H, W).
        places: Grid of the slide.

    Returns:
        Segments, float (n, 2, 2): start and end, each x and y in slide pixels.
    """
    ring = np.pad(inside, 1)
    row, column = np.nonzero(ring[:, 1:] != ring[:, :-1])
    vertical = np.stack([column, row - 1, column, row], 1)
    row, column = np.nonzero(ring[1:] != ring[:-1])
    horizontal = np.stack([column - 1, row, column, row], 1)
    corners = np.concatenate([vertical, horizontal]).reshape(-1, 2, 2).astype(np.float64)
    return corners * places.patch_size + (places.left, places.top)


def slide_figure(
    tissue: NDArray[np.uint8],
    labels: NDArray[np.integer],
    dropped: NDArray[np.bool_],
    places: Places,
    class_names: Sequence[str],
    title: str,
) -> Figure:
    """Tissue of a patient, and the classes of its patches, in slide pixels.

    Args:
        tissue: Mosaic, uint8 (H * cell, W * cell, 3), RGB.
        labels: Class at each place, int (H, W), -1 without a patch.
        dropped: Places whose patch is not used, bool (H, W); they are crossed out.
        places: Places of the patches.
        class_names: Name of each class.
        title: Title of the figure, drawn verbatim.
    """
    colours = class_colours(len(class_names))
    height, width = labels.shape
    # Room for the title and the legend; both maps have the same size.
    tall = min(TALLEST, max(2.4, 0.46 * WIDTH * height / width + 1.35))
    figure = new_figure(WIDTH, tall)
    figure.suptitle(title, fontsize=12)
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, image in ((left, tissue), (right, tint(tissue, labels, colours))):
        axes.imshow(image, extent=places.extent, interpolation="antialiased")
        slide_axes(axes, places)
        axes.set_xlabel("x on the slide, px")
    left.set_ylabel("y on the slide, px")
    _draw_outlines(right, labels, places, colours)
    _cross_out(right, dropped, places)
    left.set_title("tissue", fontsize=10)
    right.set_title("class of each patch", fontsize=10)
    keys = _keys(labels, dropped, class_names, colours)
    figure.legend(
        handles=keys, loc="outside lower center", ncols=min(4, len(keys)), frameon=False, fontsize=9
    )
    return figure


def slide_axes(axes: Axes, places: Places) -> None:
    """Set up axes in slide pixels with y downwards around the whole grid."""
    left, right, low, high = places.extent
    margin = places.patch_size / 2  # so that lines at the border are not clipped
    axes.set(xlim=(left - margin, right + margin), ylim=(low + margin, high - margin))
    axes.set_facecolor(BACKGROUND)
    axes.tick_params(labelsize=8)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.spines[:].set_color("#bbbbbb")


def _draw_outlines(
    axes: Axes, labels: NDArray[np.integer], places: Places, colours: Sequence[str]
) -> None:
    """Outline every class except the first (background)."""
    for label, colour in list(enumerate(colours))[1:]:
        draw_outline(axes, labels == label, places, colour)


def draw_outline(
    axes: Axes,
    inside: NDArray[np.bool_],
    places: Places,
    colour: str,
    width: float = 1.2,
    below: str = "white",
) -> None:
    """Outline a region, on a wider line for contrast.

    Args:
        axes: See `slide_axes`.
        inside: bool (H, W).
        places: Grid of the slide.
        colour: Colour of the line.
        width: Width of the line, in points; the line below is twice as wide.
        below: Colour of the wider line.
    """
    lines = list(outline(inside, places))
    for wide, line_colour in ((2 * width, below), (width, colour)):
        axes.add_collection(LineCollection(lines, colors=line_colour, linewidths=wide))


def _cross_out(axes: Axes, dropped: NDArray[np.bool_], places: Places) -> None:
    row, column = np.nonzero(dropped)
    near, far = 0.12, 0.88
    lines = [
        [(x + a, y + near), (x + b, y + far)]
        for x, y in zip(column, row, strict=True)
        for a, b in ((near, far), (far, near))
    ]
    if lines:
        on_slide = np.array(lines) * places.patch_size + (places.left, places.top)
        axes.add_collection(LineCollection(list(on_slide), colors=BLACK, linewidths=0.9))


def _keys(
    labels: NDArray[np.integer],
    dropped: NDArray[np.bool_],
    class_names: Sequence[str],
    colours: Sequence[str],
) -> list[Artist]:
    counts = [int((labels == i).sum()) for i in range(len(class_names))]
    keys: list[Artist] = [
        Patch(facecolor=colour, alpha=0.6, edgecolor=colour, label=f"{literal(name)} ({count:,})")
        for name, colour, count in zip(class_names, colours, counts, strict=True)
    ]
    if dropped.any():
        label = f"dropped ({int(dropped.sum()):,})"
        keys.append(Line2D([], [], color=BLACK, marker="x", linestyle="", label=label))
    keys.append(Patch(facecolor=BACKGROUND, edgecolor="#bbbbbb", label="no patch"))
    return keys
