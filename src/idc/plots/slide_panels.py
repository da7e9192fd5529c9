"""Panels of a slide: kinds of places, and scores with a colour bar."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection
from matplotlib.colors import Normalize
from matplotlib.patches import Patch
from matplotlib.path import Path
from numpy.typing import NDArray

from idc.plots.mosaic import Places
from idc.plots.slide import BACKGROUND, blend, draw_outline
from idc.plots.slide_sheet import Sheet
from idc.plots.style import BLACK, GREY

NARROW = 0.1  # range of scores below which colours are rescaled
SEQUENTIAL = "cividis"  # looks the same with any colour vision


@dataclass(frozen=True)
class PlaceStyle:
    """Style of a kind of place in a map.

    Attributes:
        name: Name in the legend, followed by its count; drawn verbatim.
        colour: Colour as #rrggbb.
        strength: Opacity of the colour over the tissue, 0..1.
        hatch: Matplotlib's hatch, in black, in addition to the colour; "" for none.
        line: Colour of the outline; None for no outline.
        below: Colour of the wider line below the outline.
    """

    name: str
    colour: str
    strength: float
    hatch: str = ""
    line: str | None = None
    below: str = "white"


UNLABELLED = PlaceStyle("label unknown", GREY, 0.0, "..")


def draw_kinds(
    sheet: Sheet,
    panel: int,
    tissue: NDArray[np.uint8],
    kinds: NDArray[np.integer],
    styles: Sequence[PlaceStyle],
    places: Places,
) -> list[Artist]:
    """Draw each place by its kind on grey tissue.

    Args:
        sheet: Sheet of the panel.
        panel: Number of the panel.
        tissue: Mosaic, uint8 (H * cell, W * cell, 3), RGB.
        kinds: Kind of each place, int (H, W), -1 without a patch.
        styles: Style of each kind.
        places: Places of the patches.

    Returns:
        Legend entries of the kinds that occur.
    """
    axes = sheet.panels[panel]
    draw_image(
        axes, blend(tissue, kinds, [x.colour for x in styles], [x.strength for x in styles]), places
    )
    keys: list[Artist] = []
    for number, style in enumerate(styles):
        inside = kinds == number
        if not inside.any():
            continue
        if style.hatch:
            _hatch_places(axes, inside, places, style.hatch)
        if style.line:
            draw_outline(axes, inside, places, style.line, 1.2 * sheet.line, style.below)
        keys.append(
            Patch(
                facecolor=(style.colour, max(style.strength, 0.08)),
                edgecolor=BLACK if style.hatch else (style.line or "#999999"),
                hatch=style.hatch,
                linewidth=0.8,
                label=f"{style.name} ({int(inside.sum()):,})",
            )
        )
    return keys


def draw_image(axes: Axes, image: NDArray[np.generic], places: Places, **options: Any) -> None:
    """Draw an image of the whole grid with options of `imshow`; the limits stay unchanged."""
    axes.imshow(image, extent=places.extent, aspect="auto", **options)


def _hatch_places(
    axes: Axes, inside: NDArray[np.bool_], places: Places, hatch: str, colour: str = BLACK
) -> None:
    """Hatch places as one area, so that lines continue across places.

    Args:
        axes: Axes of a panel, see `idc.plots.slide_sheet`.
        inside: bool (H, W).
        places: Grid of the slide.
        hatch: Matplotlib's hatch.
        colour: Colour of the hatch.
    """
    row, column = np.nonzero(inside)
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)])
    squares = np.stack([column, row], 1)[:, None] + corners
    points = (squares * places.patch_size + (places.left, places.top)).reshape(-1, 2)
    codes = np.tile([Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY], len(row))
    area = PathCollection(
        [Path(points.astype(np.float64), codes.astype(np.uint8))],
        facecolors="none",
        edgecolors=colour,
        linewidths=0,
        hatch=hatch,
    )
    axes.add_collection(area)


def draw_scores(
    sheet: Sheet,
    panel: int,
    scores: NDArray[np.floating],
    places: Places,
    label: str,
    threshold: float | None,
) -> None:
    """Draw a map of scores, with a colour bar that marks the threshold.

    Colours range from 0 to 1, so that slides are comparable. If scores vary by less than `NARROW`
    they range over the scores, and the colour bar says so.

    Args:
        sheet: Sheet of the panel.
        panel: Number of the panel, which has a colour bar.
        scores: float (H, W) in [0, 1], NaN without a patch.
        places: Places of the patches.
        label: Label of the colour bar.
        threshold: Threshold in [0, 1], or None.
    """
    values = [*scores[np.isfinite(scores)], *([] if threshold is None else [threshold])]
    low, high = float(min(values)), float(max(values))
    narrow = 0 < high - low < NARROW
    digits = 1 + int(np.ceil(-np.log10(high - low))) if narrow else 2
    bottom, top = (low, high) if narrow else (0.0, 1.0)
    norm = Normalize(bottom, top)
    masked = np.ma.masked_invalid(scores)
    draw_image(
        sheet.panels[panel], masked, places, cmap=SEQUENTIAL, norm=norm, interpolation="nearest"
    )
    if narrow:
        label += "\n(rescaled to a narrow range)"
    bar = add_colour_bar(sheet, panel, ScalarMappable(norm, SEQUENTIAL), label)
    ticks = {x: f"{x:.{digits}f}" for x in np.linspace(bottom, top, 5).tolist()}
    if threshold is not None:
        min_distance = (0.12 if sheet.vertical else 0.14) * (top - bottom)
        ticks = {x: word for x, word in ticks.items() if abs(x - threshold) > min_distance}
        ticks[threshold] = f"{threshold:.{digits}f}\nthreshold"
        draw_line = bar.axhline if sheet.vertical else bar.axvline
        for width, colour in ((3.6, "white"), (1.6, BLACK)):
            draw_line(threshold, color=colour, linewidth=width)
    axis = bar.yaxis if sheet.vertical else bar.xaxis
    axis.set_ticks(list(ticks), list(ticks.values()))


def add_colour_bar(sheet: Sheet, panel: int, colours: ScalarMappable, label: str) -> Axes:
    """Draw the colour bar of a panel."""
    bar = sheet.bars[panel]
    orientation = "vertical" if sheet.vertical else "horizontal"
    sheet.figure.colorbar(colours, cax=bar, orientation=orientation, label=label)
    axis = bar.yaxis if sheet.vertical else bar.xaxis
    axis.label.set_fontsize(8)
    axis.label.set_linespacing(1.1)
    bar.tick_params(labelsize=7)
    return bar


def background_key() -> Artist:
    """Legend entry of places without a patch."""
    return Patch(facecolor=BACKGROUND, edgecolor="#bbbbbb", label="no patch")
