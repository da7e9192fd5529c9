"""A GeoJSON feature with the property names that QuPath reads.

They are those of `qupath.lib.io.QuPathTypeAdapters`, since 0.4: a feature's ``id`` is a UUID; its
properties are ``objectType``, ``name``, ``classification`` (``name`` and ``color``, both needed),
``isLocked`` and ``measurements`` (name to number). A colon in a class's name would make it a
subclass.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import shapely
from shapely.geometry.polygon import orient

Feature = dict[str, Any]
Colour = tuple[int, int, int]
GRID = 0.01  # slide pixels to which coordinates are rounded, as QuPath does
NAMES = uuid5(NAMESPACE_URL, "idc.slides.geojson")


def make_feature(
    shape: shapely.Geometry,
    name: str | None,
    kind: str,
    colour: Colour,
    measurements: Mapping[str, float],
    pixel_size: float | None = None,
    object_type: str = "annotation",
) -> list[Feature]:
    """Make a feature without an id; an empty list for a shape without area at `GRID`.

    Args:
        shape: A polygon or multipolygon in slide pixels; need not be valid.
        name: Name, or None.
        kind: Name of the class.
        colour: Red, green and blue of the class, 0..255.
        measurements: Values that are not finite are left out.
        pixel_size: Side of a slide pixel in micrometres, or None.
        object_type: QuPath's object type: ``annotation`` (locked, with its area) or ``tile``.
    """
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
    """Make a valid (multi)polygon on the grid, with counterclockwise outer rings (RFC 7946).

    With y downwards, as on a slide, this looks clockwise.
    """
    snapped = shapely.set_precision(shapely.make_valid(shape), GRID)
    flat = [part for part in shapely.get_parts(snapped) if part.geom_type == "Polygon"]
    if len(flat) == 1:
        return orient(flat[0])
    return shapely.MultiPolygon([orient(part) for part in flat])


def _rounded(values: Any) -> Any:
    if isinstance(values, list):
        return [_rounded(value) for value in values]
    return round(values, 2)


def assign_ids(features: list[Feature]) -> list[Feature]:
    """Give each feature an id that is derived from its content."""
    seen: Counter[str] = Counter()
    for feature in features:
        text = json.dumps([feature["geometry"], feature["properties"]], sort_keys=True)
        feature["id"] = str(uuid5(NAMES, f"{text}#{seen[text]}"))
        seen[text] += 1
    return features
