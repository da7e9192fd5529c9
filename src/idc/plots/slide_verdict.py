"""Panels of a slide with the errors of a model, and the evidence for its decisions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from idc.plots.attribution import CLIP, DIVERGING, SEQUENTIAL
from idc.plots.mosaic import Places
from idc.plots.slide import blend
from idc.plots.slide_panels import UNLABELLED, PlaceStyle, add_colour_bar, draw_image, draw_kinds
from idc.plots.slide_sheet import Sheet
from idc.plots.style import BLACK, BLUE, GREEN, ORANGE, YELLOW
from idc.text import count


def draw_errors(
    sheet: Sheet,
    panel: int,
    tissue: NDArray[np.uint8],
    labels: NDArray[np.integer],
    predicted: NDArray[np.integer],
    names: Sequence[str],
    places: Places,
) -> list[Artist]:
    """Draw correct and wrong decisions; missed patches are the most prominent.

    Args:
        sheet: Sheet of the panel.
        panel: Number of the panel.
        tissue: Mosaic, uint8 (H * cell, W * cell, 3), RGB.
        labels: int (H, W), -1 if unknown or without a patch.
        predicted: int (H, W), -1 without a patch.
        names: Name of each class, escaped; two classes have false alarms and misses.
        places: Places of the patches.

    Returns:
        Legend entries, without that of unknown labels.
    """
    labelled = labels >= 0
    wrong = labelled & (labels != predicted)
    if len(names) == 2:
        styles = [
            PlaceStyle(f"correctly not called {names[1]}", BLUE, 0.0),
            PlaceStyle(f"false alarm: called {names[1]}", YELLOW, 0.5, "///"),
            PlaceStyle(f"missed {names[1]}", ORANGE, 1.0, "xxxx", ORANGE, BLACK),
            PlaceStyle(f"correctly called {names[1]}", GREEN, 0.5),
        ]
        kinds = 2 * labels + predicted
        missed = int((wrong & (labels == 1)).sum())
        note = f"{missed:,} missed, {count(int(wrong.sum()) - missed, 'false alarm')}"
    else:
        styles = [
            PlaceStyle("correct", GREEN, 0.25),
            PlaceStyle("wrong", ORANGE, 1.0, "xxxx", ORANGE, BLACK),
        ]
        kinds = wrong.astype(np.int64)
        note = f"{int(wrong.sum()):,} of {int(labelled.sum()):,}"
    sheet.set_title(panel, "errors", note)
    kinds = np.where(labelled, kinds, np.where(predicted >= 0, len(styles), -1))
    keys = draw_kinds(sheet, panel, tissue, kinds, [*styles, UNLABELLED], places)
    return keys[:-1] if (kinds == len(styles)).any() else keys


def draw_evidence(
    sheet: Sheet,
    panel: int,
    attribution: NDArray[np.floating],
    tissue: NDArray[np.uint8],
    places: Places,
) -> None:
    """Draw attributions on grey tissue, on one scale, diverging if some are negative.

    Args:
        sheet: Sheet of the panel.
        panel: Number of the panel, which has a colour bar.
        attribution: float (H * c, W * c), NaN without an attribution.
        tissue: Mosaic, uint8 (H * cell, W * cell, 3), RGB.
        places: Places of the patches.
    """
    values = np.asarray(attribution, np.float64)
    finite = np.isfinite(values)
    sizes = np.abs(values[finite])
    top = (float(np.percentile(sizes, CLIP)) or float(sizes.max()) or 1.0) if sizes.size else 1.0
    signed = bool((values[finite] < 0).any())
    norm, colours = Normalize(-top if signed else 0, top), DIVERGING if signed else SEQUENTIAL
    present = np.full(places.shape, -1)
    present[places.rows, places.columns] = 0
    axes = sheet.panels[panel]
    draw_image(axes, blend(tissue, present, ["#ffffff"], [0.25]), places)
    strength = np.clip(np.where(finite, np.abs(values), 0) / top, 0, 1)
    draw_image(
        axes,
        np.where(finite, values, 0),
        places,
        cmap=colours,
        norm=norm,
        alpha=0.85 * strength**0.7,
        interpolation="nearest",  # else image and alpha would be interpolated separately
    )
    add_colour_bar(sheet, panel, ScalarMappable(norm, colours), "attribution")
