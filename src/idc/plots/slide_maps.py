"""Maps of one slide: tissue, labels, scores, decisions, errors, evidence; its called regions."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from idc.plots.attribution import rescale
from idc.plots.faithfulness import with_sign
from idc.plots.mosaic import Places, on_grid
from idc.plots.slide import (
    PlaceStyle,
    class_styles,
    draw_image,
    draw_kinds,
    draw_outline,
    legend,
    slide_panels,
    tint,
)
from idc.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PLAIN,
    YELLOW,
    empty_figure,
    literal,
    new_figure,
    shorten,
)
from idc.text import count, per_cent

MAX_NUMBERED = 10  # regions that are labelled with their number
NARROW = 0.1  # range of scores below which colours are rescaled
TITLE = 36  # characters of a line above a panel
BLOCKS = 4  # blocks per side of a patch, over which evidence is averaged
UNLABELLED = PlaceStyle("label unknown", GREY, 0.0, "\\")
ROW = 0.24  # inches
MAX_SHOWN = 40  # regions


@dataclass(frozen=True, eq=False)
class SlideMaps:
    """Predictions and attributions of the patches of one slide.

    Attributes:
        tissue: Mosaic, uint8 (H * cell, W * cell, 3), RGB; see `idc.plots.mosaic.mosaic`.
        places: Places of the n patches.
        labels: int (n,), 0..k-1, -1 if unknown.
        predicted: int (n,), 0..k-1.
        scores: Calibrated probability, float (n,) in [0, 1], of class 1 for two classes, of the
            predicted class for more.
        regions: Number of the called region of each patch, int (n,), from 1, 0 for none; see
            `idc.slides.positive_regions.number_regions`. None for no numbers.
        attribution: Stitched attributions on the slide's grid, float (H * c, W * c) for any c, NaN
            without a patch; None omits the panel.
        method: Name of the attribution method, and origin of its map.
        mark: Why its maps cannot be trusted; "" if they can.
    """

    tissue: NDArray[np.uint8]
    places: Places
    labels: NDArray[np.integer]
    predicted: NDArray[np.integer]
    scores: NDArray[np.floating]
    regions: NDArray[np.integer] | None = None
    attribution: NDArray[np.floating] | None = None
    method: str = ""
    mark: str = ""


def slide_maps_figure(
    maps: SlideMaps, patient: str, class_names: Sequence[str], threshold: float | None
) -> Figure:
    """Maps of a slide in slide pixels with y downwards: tissue, labels, scores, decisions, errors.

    A black line outlines what was called (any class but the first) in every panel; in the panel of
    decisions it has the colour of the class. Colours of scores range from 0 to 1, unless scores
    hardly vary; attributions have one scale per slide, clipped at a high percentile.
    """
    binary, places, tissue = len(class_names) == 2, maps.places, maps.tissue
    names = [literal(name, 24) for name in class_names]
    shown = np.where(maps.labels >= 0, maps.labels, len(names))
    labels, predicted = (on_grid(x, places, -1) for x in (shown, maps.predicted))
    figure, panels = slide_panels(5 if maps.attribution is None else 6, places)
    figure.suptitle(_title(maps, patient, class_names))

    draw_image(panels[0], tissue, places)
    panels[0].set_title("tissue")
    styles = [*class_styles(class_names, "labelled "), UNLABELLED]
    keys = draw_kinds(panels[1], tissue, labels, styles, places)
    panels[1].set_title("labels")
    of = f"probability of {names[1]}" if binary else "probability of the decision"
    _draw_scores(panels[2], maps, of, threshold)
    draw_kinds(panels[3], tissue, predicted, class_styles(class_names), places)
    at = "" if threshold is None else f" at {threshold:.2f}"
    panels[3].set_title(f"decision{at}{_number_regions(panels[3], maps)}")
    if maps.attribution is not None:
        _draw_evidence(panels[5], maps, maps.attribution)
    called = predicted > 0
    for axes in (*panels[:3], *panels[4:]):
        draw_outline(axes, called, places, BLACK)
    # After the outline, which must not hide missed patches next to it.
    keys += _draw_errors(panels[4], tissue, labels, predicted, names, places)
    if called.any():
        line = f"called {names[1]}" if binary else f"called other than {names[0]}"
        keys.append(Line2D([], [], color=BLACK, linewidth=1.2, label=f"{line} ({called.sum():,})"))
    legend(figure, list({str(key.get_label()): key for key in keys}.values()))
    return figure


def _title(maps: SlideMaps, patient: str, class_names: Sequence[str]) -> str:
    labelled = maps.labels >= 0
    head = f"{literal(patient)}: {count(len(maps.labels), 'patch', 'patches')}"
    if not labelled.all():
        head += f", {int((~labelled).sum()):,} without a label"
    label, called = maps.labels[labelled], maps.predicted[labelled]
    if not labelled.any():
        return head
    if len(class_names) != 2:
        return f"{head}\naccuracy {per_cent(round(float((label == called).mean()), 3))}"
    name = literal(class_names[1], 30)
    hits, positives, calls = (
        int(x.sum()) for x in ((label == 1) & (called == 1), label == 1, called == 1)
    )
    recall = f"{hits / positives:.3f}" if positives else "undefined"
    precision = f"{hits / calls:.3f}" if calls else "undefined"
    return (
        f"{head}, of which {positives:,} labelled {name}\n"
        f"{hits:,} found, {positives - hits:,} missed, {count(calls - hits, 'false alarm')} "
        f"(recall {recall}, precision {precision})"
    )


def _draw_scores(axes: Axes, maps: SlideMaps, label: str, threshold: float | None) -> None:
    """Draw the scores with a colour bar, from 0 to 1 so that slides are comparable."""
    limits = [*maps.scores, *([] if threshold is None else [threshold])]
    low, high = float(min(limits)), float(max(limits))
    narrow = 0 < high - low < NARROW
    norm = Normalize(low, high) if narrow else Normalize(0, 1)
    grid = on_grid(np.asarray(maps.scores, np.float64), maps.places, np.nan)
    draw_image(axes, np.ma.masked_invalid(grid), maps.places, cmap=PLAIN, norm=norm)
    bar = _colour_bar(axes, ScalarMappable(norm, PLAIN), label)
    title = "calibrated probability"
    if narrow:
        title += "\n(colours rescaled to a narrow range)"
    elif threshold is not None:
        title += f"\n(line at the threshold, {threshold:.2f})"
    if threshold is not None:
        for width, colour in ((3.6, "white"), (1.6, BLACK)):
            bar.ax.axhline(threshold, color=colour, linewidth=width)
    axes.set_title(title)


def _colour_bar(axes: Axes, colours: ScalarMappable, label: str) -> Colorbar:
    """Draw a colour bar beside a panel, as tall as it."""
    figure = axes.figure
    assert figure is not None
    bar = figure.colorbar(colours, cax=axes.inset_axes((1.03, 0, 0.05, 1)), label=label)
    bar.ax.tick_params(labelsize=7)
    bar.ax.yaxis.label.set_fontsize(8)
    bar.ax.ticklabel_format(axis="y", useOffset=False)
    return bar


def _number_regions(axes: Axes, maps: SlideMaps) -> str:
    """Number the largest regions at the patch nearest to their centres; return words for it."""
    regions = 0 if maps.regions is None else int(maps.regions.max(initial=0))
    for number in range(1, min(regions, MAX_NUMBERED) + 1):
        inside = np.asarray(maps.regions) == number
        at = np.stack([maps.places.columns[inside], maps.places.rows[inside]], 1)
        nearest = at[((at - at.mean(0)) ** 2).sum(1).argmin()]
        x, y = (nearest + 0.5) * maps.places.patch_size + (maps.places.left, maps.places.top)
        effects = [withStroke(linewidth=2.5, foreground="white")]
        axes.text(
            float(x), float(y), str(number), ha="center", va="center", weight="bold", zorder=5,
            path_effects=effects,
        )  # fmt: skip
    few = f", {MAX_NUMBERED} largest numbered" if regions > MAX_NUMBERED else ""
    return f"\n{count(regions, 'region')}{few}" if regions else ""


def _draw_errors(
    axes: Axes,
    tissue: NDArray[np.uint8],
    labels: NDArray[np.integer],
    predicted: NDArray[np.integer],
    names: Sequence[str],
    places: Places,
) -> list[Artist]:
    """Draw correct and wrong decisions; missed patches are the most prominent."""
    labelled = (labels >= 0) & (labels < len(names))
    wrong = labelled & (labels != predicted)
    if len(names) == 2:
        styles = [
            PlaceStyle(f"correctly not called {names[1]}", BLUE, 0.0),
            PlaceStyle(f"false alarm: called {names[1]}", YELLOW, 0.5, "/"),
            PlaceStyle(f"missed {names[1]}", ORANGE, 1.0, "x", BLACK),
            PlaceStyle(f"correctly called {names[1]}", GREEN, 0.5),
        ]
        kinds = 2 * labels + predicted
        missed = int((wrong & (labels == 1)).sum())
        note = f"{missed:,} missed, {count(int(wrong.sum()) - missed, 'false alarm')}"
    else:
        styles = [PlaceStyle("correct", GREEN, 0.25), PlaceStyle("wrong", ORANGE, 1.0, "x", BLACK)]
        kinds = wrong.astype(np.int64)
        note = f"{int(wrong.sum()):,} of {int(labelled.sum()):,}"
    axes.set_title(f"errors\n{note}")
    kinds = np.where(labelled, kinds, np.where(predicted >= 0, len(styles), -1))
    return draw_kinds(axes, tissue, kinds, [*styles, UNLABELLED], places)


def _draw_evidence(axes: Axes, maps: SlideMaps, attribution: NDArray[np.floating]) -> None:
    """Draw attributions, averaged over parts of a patch, on grey tissue and one scale."""
    values = np.nan_to_num(np.asarray(attribution, np.float64))
    signed = bool((values < 0).any())
    height, width = (BLOCKS * n for n in maps.places.shape)
    if values.shape[0] > height:  # single pixels would be invisible
        values = np.asarray(cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA))
    norm, colours = rescale(values, signed)
    present = on_grid(np.zeros(len(maps.labels), np.int64), maps.places, -1)
    draw_image(axes, tint(maps.tissue, present, ["#ffffff"], 0.25), maps.places)
    strength = np.clip(np.abs(values) / (norm.vmax or 1), 0, 1)
    draw_image(axes, values, maps.places, cmap=colours, norm=norm, alpha=0.85 * strength**0.7)
    bar = _colour_bar(axes, ScalarMappable(norm, colours), "attribution")
    bar.ax.ticklabel_format(axis="y", scilimits=(-2, 3))
    head = literal(with_sign(maps.mark), TITLE) if maps.mark else "evidence, one scale per slide"
    axes.set_title(f"{head}\n{literal(shorten(maps.method, TITLE))}" if maps.method else head)
    if maps.mark:
        axes.title.set_color(ORANGE)


def region_burden_figure(
    table: pd.DataFrame, patient: str, positive: str = "positive", threshold: float | None = None
) -> Figure:
    """One bar per called region, largest first, with its number of patches and mean score.

    `table` has one row per region, see `idc.slides.positive_regions.call_regions`; its ``region``
    is the number on the slide map, its ``labelled`` the share of patches labelled positive.
    """
    table = table.sort_values(["patches", "region"], ascending=[False, True], ignore_index=True)
    shown, name = table.head(MAX_SHOWN), literal(positive, 24)
    title = f"{literal(patient)}: {count(len(table), 'region')} called {name}"
    if len(table) > MAX_SHOWN:
        left_out = count(int(table["patches"][MAX_SHOWN:].sum()), "patch", "patches")
        title += f", the {MAX_SHOWN} largest; the others have {left_out}"
    if table.empty:
        return empty_figure("no region was called positive", title)
    figure = new_figure(9.5, 1.9 + ROW * max(len(shown), 5))
    figure.suptitle(title)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[2.2, 1])
    at, patches = np.arange(len(shown)), shown["patches"].to_numpy(np.float64)
    labelled = patches * shown["labelled"].to_numpy(np.float64)
    left.barh(at, labelled, color=ORANGE, label=f"labelled {name}")
    bars = left.barh(
        at,
        patches - labelled,
        left=labelled,
        color="#e8e8e8",
        edgecolor=GREY,
        hatch="////",
        linewidth=0.5,
        label=f"not labelled {name}",
    )
    texts = [f"{n:,.0f}, {s:.0%}" for n, s in zip(patches, shown["labelled"], strict=True)]
    left.bar_label(bars, texts, padding=4, fontsize=8)
    left.set(xlim=(0, 1.2 * patches.max()), xlabel=f"patches, and the share labelled {name}")
    left.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    left.set_yticks(at, [f"{number}" for number in shown["region"]])
    left.set(ylim=(len(shown) - 0.4, -0.6), ylabel="region on the slide map")
    right.plot(shown["mean_score"], at, "o", color=BLUE, markersize=5)
    if threshold is not None:
        line = f"threshold {threshold:.3g}"
        right.axvline(threshold, color=BLACK, linewidth=1.1, linestyle=(0, (5, 2)), label=line)
    right.set_xlabel(f"mean probability of {name}")
    right.xaxis.set_major_locator(MaxNLocator(3))
    right.ticklabel_format(axis="x", useOffset=False)
    for axes in (left, right):
        axes.grid(visible=False, axis="y")
    figure.legend(loc="outside lower center", ncols=3)
    return figure
