"""Regions of a slide as GeoJSON for QuPath (drag the file onto the image).

Coordinates are slide pixels from the slide's upper left corner, as in the files of
`idc.slides.pyramid`. A feature has the properties that QuPath reads since 0.4
(`qupath.lib.io.QuPathTypeAdapters`): ``objectType``, ``name``, ``classification``, ``isLocked`` and
``measurements``; no patient, no path.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.polygon import orient

from idc.errors import DataError
from idc.slides.evidence_regions import Region
from idc.slides.positive_regions import RegionKind, number_regions

Feature = dict[str, Any]
Colour = tuple[int, int, int]
GRID = 0.01  # slide pixels to which coordinates are rounded, as QuPath does
NAMES = uuid5(NAMESPACE_URL, "idc.slides.geojson")
# Okabe & Ito, as in the figures: distinguishable with any colour vision.
COLOURS = {"called": (213, 94, 0), "labelled": (0, 114, 178), "evidence": (240, 228, 66)}
SCORES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
SCORE_COLOURS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))


def evidence_features(
    cases: pd.DataFrame,
    regions: Sequence[Sequence[Region]],
    positive: str,
    scale: float = 1.0,
    pixel_size: float | None = None,
    method: str = "",
    caveat: str = "",
) -> list[Feature]:
    """Make annotations of the evidence in the patches that were called positive.

    Args:
        cases: Predictions of one slide, one row per explained patch: ``x``, ``y``, ``predicted``,
            ``score``, ``label``. Patches that were not called positive are ignored.
        regions: Regions of each patch, from `idc.slides.evidence_regions.find_regions`; one
            list per row.
        scale: Slide pixels per patch pixel.
        positive: Name of the positive class.
        pixel_size: Side of a slide pixel in micrometres, or None.
        method: Name of the attribution method, for the names.
        caveat: Why its maps cannot be trusted, or ""; part of the class name, so that it is seen
            wherever the file is opened.

    Returns:
        Features of the class "<positive> evidence", named by method, patch and region, with the
        measurements ``Share of positive attribution``, ``Mean attribution``, ``Score``,
        ``Labelled <positive>`` (0 or 1) and the area.

    Raises:
        DataError: The patches belong to several slides, or the numbers of rows differ.
    """
    _one_slide(cases)
    if len(cases) != len(regions):
        raise DataError(f"evidence: {len(cases)} patches, but regions for {len(regions)}.")
    features = []
    columns = (cases[name].to_numpy() for name in ("predicted", "x", "y", "score", "label"))
    for called, x, y, score, label, parts in zip(*columns, regions, strict=True):
        if called != 1:
            continue
        corner = (int(x), int(y))
        for number, part in enumerate(parts, 1):
            rings = [np.asarray(ring) * scale + corner for ring in part.contours]
            shape = shapely.Polygon(rings[0], rings[1:])
            measurements = {
                "Share of positive attribution": part.share,
                "Mean attribution": part.mean,
                "Score": score,
                f"Labelled {positive}": label == 1,
            }
            by = f" by {method}" if method else ""
            name = f"{positive} evidence{by}, x {corner[0]} y {corner[1]}, {number}"
            kind = f"{positive} evidence" + (f" ({caveat})" if caveat else "")
            features += _make_feature(
                shape, name, kind, COLOURS["evidence"], measurements, pixel_size
            )
    return _assign_ids(features)


def tumour_features(
    frame: pd.DataFrame,
    patch_size: int,
    positive: str,
    pixel_size: float | None = None,
    labelled: bool = True,
) -> list[Feature]:
    """Make annotations of the regions that were called positive and that are labelled positive.

    Args:
        frame: Predictions of one slide: ``x``, ``y``, ``label``, ``predicted``, ``score``.
        patch_size: Side of a patch in slide pixels.
        positive: Name of the positive class.
        pixel_size: Side of a slide pixel in micrometres, or None.
        labelled: Whether to add the labelled regions.

    Returns:
        One feature per region (numbered as in `idc.slides.positive_regions`), the union of its
        patches, of the class "<positive> called" or "<positive> labelled". Patches that touch only
        at a corner are parts of one multipolygon. Measurements: ``Patches``, ``Mean score``,
        ``Share labelled <positive>`` or ``Share called <positive>``, and the area.

    Raises:
        DataError: The patches are of several slides, or a column is missing.
    """
    _one_slide(frame)
    features = []
    kinds: list[tuple[RegionKind, RegionKind, str]] = [("called", "labelled", "label")]
    if labelled:
        kinds.append(("labelled", "called", "predicted"))
    for what, other, column in kinds:
        numbers = number_regions(frame, patch_size, what)
        for number in range(1, int(numbers.max(initial=0)) + 1):
            part = frame[numbers == number]
            measurements = {
                "Patches": len(part),
                "Mean score": part["score"].mean(),
                f"Share {other} {positive}": (part[column] == 1).mean(),
            }
            # Simplify away the corners of patches on a straight border.
            shape = shapely.simplify(shapely.union_all(_squares(part, patch_size)), 0)
            name, kind = f"{positive} {what} {number}", f"{positive} {what}"
            features += _make_feature(shape, name, kind, COLOURS[what], measurements, pixel_size)
    return _assign_ids(features)


def tile_features(frame: pd.DataFrame, patch_size: int, positive: str) -> list[Feature]:
    """Make a tile of every patch, classified by its score: a probability map for QuPath.

    Args:
        frame: Predictions of one slide: ``x``, ``y``, ``score`` in [0, 1].
        patch_size: Side of a patch in slide pixels.
        positive: Name of the positive class.

    Returns:
        Features with the object type ``tile`` (a kind of detection) and the classes
        "<positive> score 0.0-0.2" to "0.8-1.0", from dark to light, with the measurement
        ``Score``.

    Raises:
        DataError: The patches belong to several slides.
    """
    _one_slide(frame)
    scores = frame["score"].to_numpy(np.float64)
    bins = np.clip(np.searchsorted(SCORES, scores, "right") - 1, 0, len(SCORE_COLOURS) - 1)
    kinds = [f"{positive} score {a:.1f}-{b:.1f}" for a, b in pairwise(SCORES)]
    features = []
    for shape, score, i in zip(_squares(frame, patch_size), scores, bins, strict=True):
        colour = SCORE_COLOURS[i]
        features += _make_feature(
            shape, None, kinds[i], colour, {"Score": score}, object_type="tile"
        )
    return _assign_ids(features)


def write_geojson(path: Path, features: Iterable[Feature]) -> None:
    """Write a FeatureCollection with one line per feature; the file is deterministic.

    Raises:
        DataError: The file cannot be written.
    """
    lines = ",\n".join(json.dumps(feature, allow_nan=False) for feature in features)
    text = f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}.") from error


def _make_feature(
    shape: shapely.Geometry,
    name: str | None,
    kind: str,
    colour: Colour,
    measurements: Mapping[str, float],
    pixel_size: float | None = None,
    object_type: str = "annotation",
) -> list[Feature]:
    """A feature without an id; an empty list for a shape without area, in slide pixels."""
    shape = _on_grid(shape)
    if shape.is_empty:
        return []
    measurements = dict(measurements)
    if object_type == "annotation":
        measurements["Region area px^2"] = shape.area
        if pixel_size is not None:
            measurements["Region area um^2"] = shape.area * pixel_size**2
    numbers = {key: float(f"{value:.9g}") for key, value in measurements.items()}
    properties: dict[str, Any] = {
        "objectType": object_type,
        "classification": {"name": kind.replace(":", " "), "color": list(colour)},
        "isLocked": object_type == "annotation",
        "measurements": {key: value for key, value in numbers.items() if math.isfinite(value)},
    }
    if name is not None:
        properties["name"] = name
    geometry = json.loads(shapely.to_geojson(shape))
    geometry["coordinates"] = _rounded(geometry["coordinates"])
    return [{"type": "Feature", "id": "", "geometry": geometry, "properties": properties}]


def _on_grid(shape: shapely.Geometry) -> shapely.Geometry:
    """Make a valid (multi)polygon on the grid, with counterclockwise outer rings (RFC 7946)."""
    snapped = shapely.set_precision(shapely.make_valid(shape), GRID)
    flat = [part for part in shapely.get_parts(snapped) if part.geom_type == "Polygon"]
    if len(flat) == 1:
        return orient(flat[0])
    return shapely.MultiPolygon([orient(part) for part in flat])


def _rounded(values: Any) -> Any:
    if isinstance(values, list):
        return [_rounded(value) for value in values]
    return round(values, 2)


def _assign_ids(features: list[Feature]) -> list[Feature]:
    """Give each feature an id that is derived from its content."""
    seen: Counter[str] = Counter()
    for feature in features:
        text = json.dumps([feature["geometry"], feature["properties"]], sort_keys=True)
        feature["id"] = str(uuid5(NAMES, f"{text}#{seen[text]}"))
        seen[text] += 1
    return features


def _squares(frame: pd.DataFrame, patch_size: int) -> NDArray[np.object_]:
    x, y = (frame[name].to_numpy(np.int64) for name in ("x", "y"))
    return np.asarray(shapely.box(x, y, x + patch_size, y + patch_size), object)


def _one_slide(frame: pd.DataFrame) -> None:
    if len(frame["patient"].unique()) > 1:
        raise DataError("GeoJSON: a file must contain one slide; give the patches of one patient.")
