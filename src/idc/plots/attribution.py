"""Attributions: the patch, the map, and the map on the patch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter
from numpy.typing import NDArray

from idc.plots.patches import show_patch
from idc.plots.style import new_figure

SEQUENTIAL, DIVERGING = "inferno", "PuOr_r"
CLIP = 99.5  # percentile at which colours end, so that one pixel does not hide the rest


@dataclass(frozen=True)
class AttributionCase:
    """One explained patch.

    Attributes:
        patch: uint8 (H, W, 3).
        maps: Method to attribution, float (H, W).
        header: Kind, patient, position, label and score.
        map_sizes: Method to what is known of its map: ``layer3, map 7x7``.
    """

    patch: NDArray[np.uint8]
    maps: Mapping[str, NDArray[np.floating]]
    header: str
    map_sizes: Mapping[str, str]


def attribution_figure(
    cases: Sequence[AttributionCase], methods: Sequence[str], title: str, note: str = ""
) -> Figure:
    """A row a case: the patch, then each method's map and overlay, with colour bars.

    Maps with negative values get colours that part at zero, others a sequential scale. Each map is
    scaled by itself: colours compare places in a patch, not patches.

    Args:
        cases: At least one.
        methods: Methods to show, in order.
        title: The figure's title.
        note: A line below, such as what is explained.
    """
    columns = 1 + 2 * len(methods)
    figure = new_figure(1.75 * columns + 0.3 * len(methods), 1.95 * len(cases) + 1.0)
    grid = figure.subplots(len(cases), columns, squeeze=False)
    for row, case in zip(grid, cases, strict=True):
        for axes in row:
            axes.set_axis_off()
        show_patch(row[0], case.patch)
        row[0].set_title(case.header, fontsize=7.5, loc="left", linespacing=1.1)
        for number, method in enumerate(methods):
            values = np.asarray(case.maps[method], np.float64)
            scale, colours = _scale(values)
            alone, over = row[1 + 2 * number], row[2 + 2 * number]
            alone.imshow(values, cmap=colours, norm=scale, interpolation="nearest")
            show_patch(over, case.patch)
            strength = np.clip(np.abs(values) / (abs(scale.vmax or 0) or 1), 0, 1)
            over.imshow(values, cmap=colours, norm=scale, alpha=0.65 * strength**0.7)
            alone.set_title(f"{method}\n{case.map_sizes.get(method, '')}".strip(), fontsize=7.5)
            over.set_title("on the patch", fontsize=7.5)
            short = ScalarFormatter()
            short.set_powerlimits((-2, 3))
            bar = figure.colorbar(
                ScalarMappable(scale, colours), ax=over, fraction=0.046, pad=0.03, format=short
            )
            bar.ax.tick_params(labelsize=6)
            bar.ax.yaxis.get_offset_text().set_fontsize(6)
    figure.suptitle(title, fontsize=11)
    if note:
        figure.supxlabel(note, fontsize=8)
    return figure


def _scale(values: NDArray[np.float64]) -> tuple[Normalize, str]:
    top = float(np.percentile(np.abs(values), CLIP)) or float(np.abs(values).max()) or 1.0
    if values.min() < 0:
        return Normalize(-top, top), DIVERGING
    return Normalize(0, top), SEQUENTIAL
