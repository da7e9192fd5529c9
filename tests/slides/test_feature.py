"""One GeoJSON feature: its geometry on the grid, its measurements, its id."""

import math

import pytest
import shapely
from shapely.geometry import shape

from idc.slides.feature import assign_ids, make_feature

SQUARE = shapely.box(0, 0, 10, 20)
RED = (255, 0, 0)


def test_an_annotation_is_locked_and_measured() -> None:
    (feature,) = make_feature(SQUARE, "a", "group: tumour", RED, {"score": 0.5}, pixel_size=0.5)
    properties = feature["properties"]
    assert properties["isLocked"]
    assert properties["classification"]["color"] == [255, 0, 0]
    assert ":" not in properties["classification"]["name"]
    assert properties["measurements"] == {
        "score": 0.5,
        "Region area px^2": 200,
        "Region area um^2": 50,
    }
    assert shape(feature["geometry"]).equals(SQUARE)
    assert shape(feature["geometry"]).exterior.is_ccw


def test_a_tile_has_no_area_and_odd_numbers_are_left_out() -> None:
    numbers = {"score": math.nan, "loss": math.inf, "count": 3}
    (feature,) = make_feature(SQUARE, None, "tumour", RED, numbers, object_type="tile")
    assert feature["properties"]["measurements"] == {"count": 3}
    assert not feature["properties"]["isLocked"]
    assert "name" not in feature["properties"]


def test_what_crosses_itself_is_made_valid_and_what_has_no_area_is_none() -> None:
    bow = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    (feature,) = make_feature(bow, None, "tumour", RED, {})
    made = shape(feature["geometry"])
    assert made.is_valid
    assert made.geom_type == "MultiPolygon"
    assert made.area == pytest.approx(50)
    assert make_feature(shapely.Point(0, 0), None, "tumour", RED, {}) == []
    assert make_feature(shapely.box(0, 0, 0.001, 5), None, "tumour", RED, {}) == []


def test_ids_are_of_the_content_and_differ_where_it_repeats() -> None:
    def features() -> list[dict[str, object]]:
        one, two = (make_feature(SQUARE, name, "tumour", RED, {}) for name in ("a", "b"))
        return assign_ids([*one, *two, *make_feature(SQUARE, "a", "tumour", RED, {})])

    ids = [feature["id"] for feature in features()]
    assert len(set(ids)) == 3
    assert ids == [feature["id"] for feature in features()]
