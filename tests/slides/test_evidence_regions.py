"""Regions of evidence lie where the attribution is, add up, and are closed polygons."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter

from idc.slides.evidence_regions import Region, find_regions

RNG = np.random.default_rng(0)


def polygon(region: Region) -> shapely.Polygon:
    return shapely.Polygon(region.contours[0], region.contours[1:])


def disc(row: float, column: float, radius: float, size: int = 50) -> np.ndarray:
    rows, columns = np.indices((size, size))
    return ((rows - row) ** 2 + (columns - column) ** 2 <= radius**2).astype(np.float32)


def test_two_hills_are_two_regions_the_heavier_first() -> None:
    values = 3 * disc(12, 30, 5) + 2 * disc(38, 10, 4) - 0.5
    ((first, second),) = find_regions(values[None], share=0.95)
    assert first.share > second.share
    assert first.share + second.share == pytest.approx(0.95, abs=0.05)
    assert first.peak == pytest.approx((30.5, 12.5), abs=4.5)
    assert second.peak == pytest.approx((10.5, 38.5), abs=4)
    top, left, bottom, right = first.box
    assert top <= 7 <= 17 <= bottom
    assert left <= 25 <= 35 <= right
    assert polygon(first).contains(shapely.Point(30.5, 12.5))
    assert not polygon(first).intersects(polygon(second))
    assert values[12, 30] > first.mean > 1


def test_the_evidence_holds_the_share_asked_for_and_grows_with_it() -> None:
    hill = gaussian_filter(RNG.normal(size=(1, 50, 50)), (0, 6, 6))
    areas = []
    for share in (0.25, 0.5, 0.75, 1.0):
        (regions,) = find_regions(hill, share=share, min_pixels=1, max_regions=99)
        held = sum(region.share for region in regions)
        # Not more than one pixel above what was asked for.
        assert share - 1e-6 <= held <= share + 0.01
        areas.append(sum(region.area for region in regions))
    assert areas == sorted(areas)
    assert areas[0] < areas[-1]


def test_without_positive_part_there_is_none() -> None:
    maps = np.stack([np.zeros((20, 20)), np.full((20, 20), -1.0), np.eye(20)])
    nothing, negative, line = find_regions(maps, min_pixels=1)
    assert nothing == negative == []
    assert line
    assert find_regions(np.empty((0, 20, 20))) == []


def test_a_flat_map_is_one_region_up_to_the_edges_of_the_patch() -> None:
    ((whole,),) = find_regions(np.ones((1, 30, 40)))
    assert whole.box == (0, 0, 30, 40)
    assert whole.area == 1200
    assert whole.share == pytest.approx(1)
    assert polygon(whole).bounds == (0, 0, 40, 30)
    assert polygon(whole).area == pytest.approx(1200, abs=1)


def test_a_region_at_the_edge_is_closed_along_it() -> None:
    ((corner,),) = find_regions(disc(0, 0, 12)[None], share=0.9)
    assert polygon(corner).bounds[:2] == (0, 0)
    assert polygon(corner).area == pytest.approx(corner.area, rel=0.1)


def test_a_ring_has_a_hole() -> None:
    values = disc(25, 25, 18) - disc(25, 25, 9)
    ((ring,),) = find_regions(values[None], share=0.95)
    assert len(ring.contours) == 2
    assert not polygon(ring).contains(shapely.Point(25.5, 25.5))
    assert polygon(ring).contains(shapely.Point(25.5, 11.5))
    assert polygon(ring).area == pytest.approx(ring.area, rel=0.1)


def test_speckle_is_smoothed_and_small_regions_are_left_out() -> None:
    # A hill under pixel noise of the same size: what a signed pixel map looks like.
    values = disc(25, 25, 8) + RNG.normal(size=(50, 50))
    rough = find_regions(values[None], min_pixels=1, max_regions=999, smooth=0)[0]
    calm = find_regions(values[None])[0]
    assert len(rough) > 50 > 5 >= len(calm)
    assert polygon(calm[0]).intersection(shapely.Point(25.5, 25.5).buffer(8)).area > 40
    assert all(region.area >= 12 for region in calm)
    two = find_regions(values[None], max_regions=2)[0]
    assert [region.box for region in two] == [region.box for region in calm[:2]]
    assert find_regions(values[None], max_regions=0) == [[]]


def test_scale_does_not_matter_and_maps_do_not_mix() -> None:
    maps = gaussian_filter(RNG.normal(size=(300, 16, 16)), (0, 2, 2))
    found = find_regions(maps)
    again = find_regions(1e-12 * maps[280:281])[0]
    assert len(found) == 300
    assert [r.box for r in again] == [r.box for r in found[280]]
    assert [r.share for r in again] == pytest.approx([r.share for r in found[280]])


@settings(max_examples=30, deadline=None)
@given(
    values=arrays(np.float32, (12, 14), elements=st.integers(-3, 6).map(float)),
    share=st.floats(0.05, 1),
    smooth=st.sampled_from([0.0, 0.05]),
)
def test_whatever_the_map_the_polygons_are_valid(
    values: np.ndarray, share: float, smooth: float
) -> None:
    (regions,) = find_regions(values[None], share, 1, 999, smooth)
    shares = [region.share for region in regions]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 1 + 1e-9
    patch = shapely.box(0, 0, 14, 12)
    for region in regions:
        shape = polygon(region)
        assert shape.is_valid
        assert patch.covers(shape)
        assert shapely.box(*np.array(region.box)[[1, 0, 3, 2]]).buffer(1).covers(shape)
        # The highest pixel's middle is inside.
        assert shape.covers(shapely.Point(region.peak))
        for ring in region.contours:
            assert (ring[0] == ring[-1]).all()


@pytest.mark.parametrize(
    ("maps", "options", "word"),
    [
        (np.ones((5, 5)), {}, "N, H, W"),
        (np.full((2, 5, 5), np.nan), {}, "map 0"),
        (np.ones((1, 5, 5)), {"share": 0.0}, "share"),
        (np.ones((1, 5, 5)), {"smooth": -1.0}, "smooth"),
    ],
)
def test_what_cannot_be_done_is_said(maps: np.ndarray, options: dict, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        find_regions(maps, **options)
