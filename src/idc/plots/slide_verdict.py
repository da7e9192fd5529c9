"""Panels of a slide that judge a model: where it errs, and on what evidence it decides."""

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from idc.plots.attribution import CLIP, DIVERGING, SEQUENTIAL
from idc.plots.mosaic import Places
from idc.plots.slide import blend
from idc.plots.slide_panels import UNKNOWN, Kind, add_bar, draw_image, draw_kinds
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
    """Right and wrong decisions; what is missed is painted fullest, and hatched.

    Args:
        sheet: Of the panel.
        panel: Its number.
        tissue: A mosaic, uint8 (H * cell, W * cell, 3), RGB.
        labels: int (H, W), -1 where unknown or where there is no patch.
        predicted: int (H, W), -1 where there is no patch.
        names: A name a class, as they are to be drawn; two classes have false alarms and misses.
        places: Where the patches lie.

    Returns:
        Keys for a legend, but for unknown labels.
    """
    known = labels >= 0
    wrong = known & (labels != predicted)
    if len(names) == 2:
        looks = [
            Kind(f"rightly not called {names[1]}", BLUE, 0.0),
            Kind(f"false alarm: called {names[1]}", YELLOW, 0.5, "///"),
            Kind(f"missed {names[1]}", ORANGE, 1.0, "xxxx", ORANGE, BLACK),
            Kind(f"found {names[1]}", GREEN, 0.5),
        ]
        kinds = 2 * labels + predicted
        missed = int((wrong & (labels == 1)).sum())
        note = f"{missed:,} missed, {count(int(wrong.sum()) - missed, 'false alarm')}"
    else:
        looks = [
            Kind("decided as labelled", GREEN, 0.25),
            Kind("decided otherwise", ORANGE, 1.0, "xxxx", ORANGE, BLACK),
        ]
        kinds = wrong.astype(np.int64)
        note = f"{int(wrong.sum()):,} of {int(known.sum()):,}"
    sheet.name(panel, "errors", note)
    kinds = np.where(known, kinds, np.where(predicted >= 0, len(looks), -1))
    keys = draw_kinds(sheet, panel, tissue, kinds, [*looks, UNKNOWN], places)
    return keys[:-1] if (kinds == len(looks)).any() else keys


def draw_evidence(
    sheet: Sheet,
    panel: int,
    attribution: NDArray[np.floating],
    tissue: NDArray[np.uint8],
    places: Places,
) -> None:
    """Attributions on grey tissue, with one scale, which parts at 0 where some are negative.

    Args:
        sheet: Of the panel.
        panel: Its number; it has a colour bar.
        attribution: float (H * c, W * c), NaN where there is none.
        tissue: A mosaic, uint8 (H * cell, W * cell, 3), RGB.
        places: Where the patches lie.
    """
    values = np.asarray(attribution, np.float64)
    known = np.isfinite(values)
    sizes = np.abs(values[known])
    top = (float(np.percentile(sizes, CLIP)) or float(sizes.max()) or 1.0) if sizes.size else 1.0
    signed = bool((values[known] < 0).any())
    norm, colours = Normalize(-top if signed else 0, top), DIVERGING if signed else SEQUENTIAL
    present = np.full(places.shape, -1)
    present[places.rows, places.columns] = 0
    axes = sheet.panels[panel]
    draw_image(axes, blend(tissue, present, ["#ffffff"], [0.25]), places)
    strength = np.clip(np.where(known, np.abs(values), 0) / top, 0, 1)
    draw_image(
        axes,
        np.where(known, values, 0),
        places,
        cmap=colours,
        norm=norm,
        alpha=0.85 * strength**0.7,
        interpolation="nearest",  # else an image and its alpha would be mixed apart
    )
    add_bar(sheet, panel, ScalarMappable(norm, colours), "attribution")
