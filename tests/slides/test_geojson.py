"""GeoJSON for QuPath: valid polygons in slide coordinates, under the names that it reads."""

import json
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import shape as to_shape

from idc.errors import DataError
from idc.slides.evidence_regions import find_regions
from idc.slides.geojson import evidence_features, tile_features, tumour_features, write_geojson
from idc.slides.positive_regions import call_regions

PROPERTIES = {"objectType", "name", "classification", "isLocked", "measurements"}
Feature = dict[str, Any]


def frame_of(places: list[tuple[int, int]], called: list[int], **columns: Any) -> pd.DataFrame:
    row, column = np.array(places).T
    facts = {"x": 50 * column + 1, "y": 50 * row + 1, "predicted": called, "label": 0, "score": 0.5}
    facts["patient"] = "a"
    return pd.DataFrame({**facts, **columns})


def check(feature: Feature) -> shapely.Geometry:
    """What QuPath's reader and RFC 7946 ask for."""
    assert set(feature) == {"type", "id", "geometry", "properties"}
    assert feature["type"] == "Feature"
    assert UUID(feature["id"]).version == 5
    properties = feature["properties"]
    assert set(properties) <= PROPERTIES
    assert properties["objectType"] in ("annotation", "tile")
    assert set(properties["classification"]) == {"name", "color"}
    assert ":" not in properties["classification"]["name"]
    assert all(0 <= c <= 255 for c in properties["classification"]["color"])
    assert all(isinstance(v, float) for v in properties["measurements"].values())
    geometry = feature["geometry"]
    assert set(geometry) == {"type", "coordinates"}
    assert geometry["type"] in ("Polygon", "MultiPolygon")
    result = to_shape(geometry)
    assert result.is_valid
    assert result.area > 0
    for part in shapely.get_parts(result):
        assert part.exterior.is_ccw
        assert not any(hole.is_ccw for hole in part.interiors)
    points = shapely.get_coordinates(result)
    assert (np.round(points, 2) == points).all()
    return result


@settings(max_examples=30, deadline=None)
@given(called=st.lists(st.integers(0, 1), min_size=16, max_size=16))
def test_regions_of_calls_are_valid_and_as_large_as_their_patches(called: list[int]) -> None:
    # On a grid of four by four corners touch and holes arise.
    frame = frame_of(list(product(range(4), repeat=2)), called)
    features = tumour_features(frame, 50, "IDC", labelled=False)
    shapes = [check(feature) for feature in features]
    table = call_regions(frame, 50)
    assert [s.area for s in shapes] == table["area_px2"].tolist()
    assert [list(s.bounds) for s in shapes] == table[["x0", "y0", "x1", "y1"]].to_numpy().tolist()
    whole = shapely.union_all(shapes)
    for x, y, positive in frame[["x", "y", "predicted"]].itertuples(index=False):
        assert whole.contains(shapely.Point(x + 25, y + 25)) == bool(positive)


def test_a_ring_of_patches_has_a_hole_and_straight_sides() -> None:
    places = list(product(range(3), repeat=2))
    (feature,) = tumour_features(frame_of(places, [1, 1, 1, 1, 0, 1, 1, 1, 1]), 50, "IDC")
    result = check(feature)
    assert len(result.interiors) == 1
    assert len(result.exterior.coords) == 5


def test_called_and_labelled_are_two_classes_with_their_measurements() -> None:
    frame = frame_of(
        [(0, 0), (0, 1), (5, 5)], [1, 1, 0], label=[1, 0, 1], score=[0.9, 0.6, 0.1], patient="8863"
    )
    called, first, second = tumour_features(frame, 50, "IDC", pixel_size=0.5)
    assert called["properties"]["classification"]["name"] == "IDC called"
    assert called["properties"]["name"] == "IDC called 1"
    assert called["properties"]["measurements"] == {
        "Patches": 2.0,
        "Mean score": 0.75,
        "Share labelled IDC": 0.5,
        "Region area px^2": 5000.0,
        "Region area um^2": 1250.0,
    }
    assert {f["properties"]["classification"]["name"] for f in (first, second)} == {"IDC labelled"}
    shares = [f["properties"]["measurements"]["Share called IDC"] for f in (first, second)]
    assert shares == [1, 0]
    assert len({f["id"] for f in (called, first, second)}) == 3
    assert "8863" not in json.dumps([called, first, second])


def test_evidence_lies_in_its_patch_on_the_slide() -> None:
    maps = np.zeros((3, 25, 25))
    maps[:, 5:12, 3:9] = 1
    maps[2] *= -1
    cases = frame_of(
        [(2, 3), (4, 4), (6, 6)], [1, 0, 1], label=[1, 1, 0], score=[0.8, 0.2, np.nan], patient="a"
    )
    cases.index = pd.Index([7, 7, 7])  # rows are told by their order
    # Patches of 25 pixels that cover 50 of the slide.
    (feature,) = evidence_features(
        cases, find_regions(maps, 0.9), "IDC", scale=2.0, pixel_size=0.25
    )
    result = check(feature)
    assert result.centroid.coords[0] == pytest.approx((151 + 12, 101 + 17), abs=0.6)
    assert shapely.box(151, 101, 201, 151).covers(result)
    numbers = feature["properties"]["measurements"]
    assert numbers["Region area px^2"] == pytest.approx(result.area)
    assert numbers["Region area um^2"] == pytest.approx(result.area / 16)
    assert numbers["Share of positive attribution"] == pytest.approx(0.9, abs=0.05)
    assert (numbers["Score"], numbers["Labelled IDC"]) == (0.8, 1)
    assert feature["properties"]["name"] == "IDC evidence, x 151 y 101, 1"


def test_evidence_of_noise_is_valid_and_a_missing_score_left_out() -> None:
    rng = np.random.default_rng(0)
    result = find_regions(rng.normal(size=(12, 50, 50)), min_pixels=1, max_regions=50, smooth=0.01)
    cases = frame_of([(i, i) for i in range(12)], [1] * 12, score=np.nan)
    features = evidence_features(cases, result, "IDC", scale=0.37)
    assert len(features) > 150
    for feature in features:
        check(feature)
        assert "Score" not in feature["properties"]["measurements"]


def test_tiles_are_classed_by_their_score() -> None:
    frame = frame_of([(0, i) for i in range(5)], [0] * 5, score=[0.0, 0.19, 0.2, 0.99, 1.0])
    tiles = tile_features(frame, 50, positive="malaria: ring")
    names = [tile["properties"]["classification"]["name"] for tile in tiles]
    assert [name[-7:] for name in names] == ["0.0-0.2", "0.0-0.2", "0.2-0.4", "0.8-1.0", "0.8-1.0"]
    assert [check(tile).area for tile in tiles] == [2500] * 5
    assert {tile["properties"]["objectType"] for tile in tiles} == {"tile"}
    assert tiles[3]["properties"]["measurements"] == {"Score": 0.99}


def test_a_file_is_the_same_for_the_same_features(tmp_path: Path) -> None:
    frame = frame_of([(0, 0), (0, 0), (3, 3)], [1, 1, 1])
    texts = []
    for name in ("a.geojson", "b.geojson"):
        features = tumour_features(frame, 50, "IDC") + tile_features(frame, 50, "IDC")
        write_geojson(tmp_path / name, features)
        texts.append((tmp_path / name).read_text())
    assert texts[0] == texts[1]
    read = json.loads(texts[0])
    assert read["type"] == "FeatureCollection"
    assert read["features"] == features
    # Two patches on one place are two objects.
    assert len({f["id"] for f in features}) == len(features) == 5
    write_geojson(tmp_path / "c.geojson", [])
    assert json.loads((tmp_path / "c.geojson").read_text())["features"] == []


def test_mistakes_are_named(tmp_path: Path) -> None:
    two = frame_of([(0, 0), (0, 1)], [1, 1], patient=["a", "b"])
    for build in (
        lambda: tumour_features(two, 50, "IDC"),
        lambda: tile_features(two, 50, "IDC"),
        lambda: evidence_features(two, [[], []], "IDC"),
    ):
        with pytest.raises(DataError, match="one slide"):
            build()
    with pytest.raises(DataError, match="1 patches, but regions for 0"):
        evidence_features(two[:1], [], "IDC")
    with pytest.raises(DataError, match=r"no\.geojson"):
        write_geojson(tmp_path / "nowhere" / "no.geojson", [])
