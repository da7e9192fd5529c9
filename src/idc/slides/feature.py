"""One GeoJSON feature, with the names that QuPath reads.

They are those of `qupath.lib.io.QuPathTypeAdapters`, since 0.4: a feature's ``id`` is a UUID; its
properties are ``objectType``, ``name``, ``classification`` (``name`` and ``color``, both needed),
``isLocked`` and ``measurements`` (name to number). A colon in a class's name would make it a class
below another.
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
    facts: Mapping[str, float],
    pixel_size: float | None = None,
    object_type: str = "annotation",
) -> list[Feature]:
    """One feature, without an id yet; none for a shape that has no area at `GRID`.

    Args:
        shape: A polygon or multipolygon in slide pixels; need not be valid.
        name: Its name, or None.
        kind: Its class's name.
        colour: The class's red, green and blue, 0..255.
        facts: Measurements; those that are not finite are left out.
        pixel_size: Side of a slide pixel in micrometres, if it is known.
        object_type: QuPath's: ``annotation`` (locked, and its area is measured) or ``tile``.
    """
    shape = _on_grid(shape)
    if shape.is_empty:
        return []
    facts = dict(facts)
    if object_type == "annotation":
        facts["Region area px^2"] = shape.area
        if pixel_size is not None:
            facts["Region area um^2"] = shape.area * pixel_size**2
    numbers = {key: float(f"{value:.9g}") for key, value in facts.items()}
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
    """A valid (multi)polygon on the grid of coordinates, outer rings counterclockwise (RFC 7946).

    With y downwards, as on a slide, counterclockwise in numbers looks clockwise.
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


def identify(features: list[Feature]) -> list[Feature]:
    """Give each feature an id that follows from what it says."""
    seen: Counter[str] = Counter()
    for feature in features:
        text = json.dumps([feature["geometry"], feature["properties"]], sort_keys=True)
        feature["id"] = str(uuid5(NAMES, f"{text}#{seen[text]}"))
        seen[text] += 1
    return features
