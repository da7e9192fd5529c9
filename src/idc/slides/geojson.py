"""Regions of a slide as GeoJSON that QuPath opens (drag the file onto the image).

Coordinates are slide pixels from the slide's upper left corner, as in the files of
`idc.slides.pyramid`. Nothing is written but what `idc.slides.feature` names: no patient, no path.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from idc.errors import DataError
from idc.slides.evidence_regions import Region
from idc.slides.feature import Feature, identify, make_feature
from idc.slides.positive_regions import RegionKind, number_regions

# Of Okabe & Ito, as in the figures: told apart with any kind of colour blindness.
COLOURS = {"called": (213, 94, 0), "labelled": (0, 114, 178), "evidence": (240, 228, 66)}
SCORES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
SCORE_COLOURS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))


def evidence_features(
    cases: pd.DataFrame,
    regions: Sequence[Sequence[Region]],
    scale: float = 1.0,
    pixel_size: float | None = None,
    positive: str = "IDC",
    method: str = "",
    caveat: str = "",
) -> list[Feature]:
    """Annotations of the evidence in the patches that were called positive.

    Args:
        cases: Predictions of one slide, a row an explained patch: ``x``, ``y``, ``predicted``,
            ``score``, ``label``. Patches that were not called positive are passed over.
        regions: Regions of each patch, from `idc.slides.evidence_regions.find_regions`; one
            list per row.
        scale: Slide pixels a patch pixel.
        pixel_size: Side of a slide pixel in micrometres, if it is known.
        positive: Name of the positive class.
        method: The attribution method, for the names.
        caveat: Why its maps are not to be trusted, or "": stands in the class, so that nobody who
            opens the file takes it for more than it is.

    Returns:
        Features of the class "<positive> evidence", named by method, patch and region, with the
        measurements ``Share of positive attribution``, ``Mean attribution``, ``Score``,
        ``Labelled <positive>`` (0 or 1) and the area.

    Raises:
        DataError: The patches are of several slides, or the numbers of rows differ.
    """
    _one_slide(cases)
    if len(cases) != len(regions):
        raise DataError(f"evidence: {len(cases)} patches, but regions of {len(regions)}.")
    found = []
    columns = ("predicted", "x", "y", "score", "label")
    wanted = (cases[name].to_numpy() for name in columns)
    for called, x, y, score, label, parts in zip(*wanted, regions, strict=True):
        if called != 1:
            continue
        corner = (int(x), int(y))
        for number, part in enumerate(parts, 1):
            rings = [np.asarray(ring) * scale + corner for ring in part.contours]
            shape = shapely.Polygon(rings[0], rings[1:])
            facts = {
                "Share of positive attribution": part.share,
                "Mean attribution": part.mean,
                "Score": score,
                f"Labelled {positive}": label == 1,
            }
            by = f" by {method}" if method else ""
            name = f"{positive} evidence{by}, x {corner[0]} y {corner[1]}, {number}"
            kind = f"{positive} evidence" + (f" ({caveat})" if caveat else "")
            found += make_feature(shape, name, kind, COLOURS["evidence"], facts, pixel_size)
    return identify(found)


def tumour_features(
    frame: pd.DataFrame,
    patch_size: int,
    pixel_size: float | None = None,
    labelled: bool = True,
    positive: str = "IDC",
) -> list[Feature]:
    """Annotations of the regions that were called positive, and of those that are labelled so.

    Args:
        frame: Predictions of one slide: ``x``, ``y``, ``label``, ``predicted``, ``score``.
        patch_size: Side of a patch in slide pixels.
        pixel_size: Side of a slide pixel in micrometres, if it is known.
        labelled: Whether to add the labelled regions.
        positive: Name of the positive class.

    Returns:
        One feature per region (numbered as in `idc.slides.positive_regions`), the union of its
        patches, of the class "<positive> called" or "<positive> labelled". Patches that touch only
        at a corner are parts of one multipolygon. Measurements: ``Patches``, ``Mean score``,
        ``Share labelled <positive>`` or ``Share called <positive>``, and the area.

    Raises:
        DataError: The patches are of several slides, or a column is missing.
    """
    _one_slide(frame)
    found = []
    kinds: list[tuple[RegionKind, RegionKind, str]] = [("called", "labelled", "label")]
    if labelled:
        kinds.append(("labelled", "called", "predicted"))
    for what, other, column in kinds:
        numbers = number_regions(frame, patch_size, what)
        for number in range(1, int(numbers.max(initial=0)) + 1):
            part = frame[numbers == number]
            facts = {
                "Patches": len(part),
                "Mean score": part["score"].mean(),
                f"Share {other} {positive}": (part[column] == 1).mean(),
            }
            # Without the corners of patches that lie on a straight border.
            shape = shapely.simplify(shapely.union_all(_squares(part, patch_size)), 0)
            name, kind = f"{positive} {what} {number}", f"{positive} {what}"
            found += make_feature(shape, name, kind, COLOURS[what], facts, pixel_size)
    return identify(found)


def tile_features(frame: pd.DataFrame, patch_size: int, positive: str = "IDC") -> list[Feature]:
    """Every patch as a tile, classed by its score: a probability map that QuPath can measure.

    Args:
        frame: Predictions of one slide: ``x``, ``y``, ``score`` in [0, 1].
        patch_size: Side of a patch in slide pixels.
        positive: Name of the positive class.

    Returns:
        Features with the object type ``tile`` (a kind of detection) and the classes
        "<positive> score 0.0-0.2" to "0.8-1.0", from dark to light, with the measurement
        ``Score``.

    Raises:
        DataError: The patches are of several slides.
    """
    _one_slide(frame)
    scores = frame["score"].to_numpy(np.float64)
    bins = np.clip(np.searchsorted(SCORES, scores, "right") - 1, 0, len(SCORE_COLOURS) - 1)
    kinds = [f"{positive} score {a:.1f}-{b:.1f}" for a, b in pairwise(SCORES)]
    found = []
    for shape, score, i in zip(_squares(frame, patch_size), scores, bins, strict=True):
        colour = SCORE_COLOURS[i]
        found += make_feature(shape, None, kinds[i], colour, {"Score": score}, object_type="tile")
    return identify(found)


def write_geojson(path: Path, features: Iterable[Feature]) -> None:
    """Write a FeatureCollection: one line a feature, the same bytes for the same features.

    Raises:
        DataError: The file cannot be written.
    """
    lines = ",\n".join(json.dumps(feature, allow_nan=False) for feature in features)
    text = f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}.") from error


def _squares(frame: pd.DataFrame, patch_size: int) -> NDArray[np.object_]:
    x, y = (frame[name].to_numpy(np.int64) for name in ("x", "y"))
    return np.asarray(shapely.box(x, y, x + patch_size, y + patch_size), object)


def _one_slide(frame: pd.DataFrame) -> None:
    if "patient" in frame and len(frame["patient"].unique()) > 1:
        raise DataError("GeoJSON: a file belongs to one slide; give one patient's patches.")
