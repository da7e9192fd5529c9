"""What a panel of a slide shows: kinds of places, and scores with their colour bar."""

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
from idc.plots.slide import GROUND, blend, draw_outline
from idc.plots.slide_sheet import Sheet
from idc.plots.style import BLACK, GREY

NARROW = 0.1  # scores that differ by less have colours of their own
SEQUENTIAL = "cividis"  # told alike with any colour vision


@dataclass(frozen=True)
class Kind:
    """A kind of place in a map: how it is painted and named.

    Attributes:
        name: In the legend, with its count; drawn as it stands.
        colour: As #rrggbb.
        strength: Of the colour over the tissue, 0..1.
        hatch: Matplotlib's hatch, in black, so that colour alone does not tell; "" for none.
        line: Colour of the outline round the kind; None for no outline.
        below: Colour of the wider line below the outline.
    """

    name: str
    colour: str
    strength: float
    hatch: str = ""
    line: str | None = None
    below: str = "white"


UNKNOWN = Kind("label unknown", GREY, 0.0, "..")


def draw_kinds(
    sheet: Sheet,
    panel: int,
    tissue: NDArray[np.uint8],
    kinds: NDArray[np.integer],
    looks: Sequence[Kind],
    places: Places,
) -> list[Artist]:
    """Paint each place by its kind on grey tissue.

    Args:
        sheet: Of the panel.
        panel: Its number.
        tissue: A mosaic, uint8 (H * cell, W * cell, 3), RGB.
        kinds: Kind of each place, int (H, W), -1 where there is no patch.
        looks: Of each kind.
        places: Where the patches lie.

    Returns:
        Keys for a legend, one a kind that occurs.
    """
    axes = sheet.panels[panel]
    draw_image(
        axes, blend(tissue, kinds, [x.colour for x in looks], [x.strength for x in looks]), places
    )
    keys: list[Artist] = []
    for number, look in enumerate(looks):
        inside = kinds == number
        if not inside.any():
            continue
        if look.hatch:
            hatch_places(axes, inside, places, look.hatch)
        if look.line:
            draw_outline(axes, inside, places, look.line, 1.2 * sheet.line, look.below)
        keys.append(
            Patch(
                facecolor=(look.colour, max(look.strength, 0.08)),
                edgecolor=BLACK if look.hatch else (look.line or "#999999"),
                hatch=look.hatch,
                linewidth=0.8,
                label=f"{look.name} ({int(inside.sum()):,})",
            )
        )
    return keys


def draw_image(axes: Axes, image: NDArray[np.generic], places: Places, **options: Any) -> None:
    """An image of the whole grid, with what `imshow` takes; the axes stay as they are."""
    axes.imshow(image, extent=places.extent, aspect="auto", **options)


def hatch_places(
    axes: Axes, inside: NDArray[np.bool_], places: Places, hatch: str, colour: str = BLACK
) -> None:
    """Hatch places as one area, so that the lines run on from place to place.

    Args:
        axes: See `idc.plots.slide_sheet`.
        inside: bool (H, W).
        places: Where the grid lies on the slide.
        hatch: Matplotlib's hatch.
        colour: Of the hatch.
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
    ends: tuple[float, float] | None = None,
) -> None:
    """A map of scores, with a colour bar on which the threshold is marked.

    Colours run from 0 to 1, so that slides compare, unless all scores lie in less than `NARROW` of
    it, where nothing could be seen: then they run over what there is, and the bar says so.

    Args:
        sheet: Of the panel.
        panel: Its number; it has a colour bar.
        scores: float (H, W) in [0, 1], NaN where there is no patch.
        places: Where the patches lie.
        label: Of the colour bar.
        threshold: In [0, 1], or None for none.
        ends: Lowest and highest score of all maps that are to compare; by default of this one.
    """
    known = [*scores[np.isfinite(scores)], *([] if threshold is None else [threshold])]
    low, high = ends or (float(min(known)), float(max(known)))
    narrow = 0 < high - low < NARROW
    digits = 1 + int(np.ceil(-np.log10(high - low))) if narrow else 2
    bottom, top = (low, high) if narrow else (0.0, 1.0)
    norm = Normalize(bottom, top)
    masked = np.ma.masked_invalid(scores)
    draw_image(
        sheet.panels[panel], masked, places, cmap=SEQUENTIAL, norm=norm, interpolation="nearest"
    )
    if narrow:
        label += ",\nwhich hardly varies here"
    bar = add_bar(sheet, panel, ScalarMappable(norm, SEQUENTIAL), label)
    ticks = {x: f"{x:.{digits}f}" for x in np.linspace(bottom, top, 5).tolist()}
    if threshold is not None:
        near = (0.09 if sheet.upright else 0.14) * (top - bottom)
        ticks = {x: word for x, word in ticks.items() if abs(x - threshold) > near}
        ticks[threshold] = f"{threshold:.{digits}f}\nthreshold"
        across = bar.axhline if sheet.upright else bar.axvline
        for width, colour in ((3.6, "white"), (1.6, BLACK)):
            across(threshold, color=colour, linewidth=width)
    axis = bar.yaxis if sheet.upright else bar.xaxis
    axis.set_ticks(list(ticks), list(ticks.values()))


def add_bar(sheet: Sheet, panel: int, colours: ScalarMappable, label: str) -> Axes:
    """The colour bar of a panel that has one."""
    bar = sheet.bars[panel]
    where = "vertical" if sheet.upright else "horizontal"
    sheet.figure.colorbar(colours, cax=bar, orientation=where, label=label)
    axis = bar.yaxis if sheet.upright else bar.xaxis
    axis.label.set_fontsize(8)
    axis.label.set_linespacing(1.1)
    bar.tick_params(labelsize=7)
    return bar


def ground_key() -> Artist:
    """The legend's key of places without a patch."""
    return Patch(facecolor=GROUND, edgecolor="#bbbbbb", label="no patch")
