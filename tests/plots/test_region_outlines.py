"""The figure of evidence surrounds areas that hold much of it, and says where there are none."""

import numpy as np
import pytest

from idc.plots.region_outlines import RegionCase, regions_figure
from idc.slides.evidence_regions import find_regions

RNG = np.random.default_rng(0)


def case(values: np.ndarray, header: str = "8863 x 1 y 1\nIDC, score 0.9") -> RegionCase:
    patch = RNG.integers(0, 256, (*values.shape, 3), dtype=np.uint8)
    regions = find_regions(values[None], share=0.9)[0]
    return RegionCase(patch, [(region.share, region.contours) for region in regions], header)


def hills(size: int = 50) -> np.ndarray:
    values = np.zeros((size, size))
    values[5:15, 5:20] = 2
    values[30:45, 30:45] = 1
    return values


def test_areas_of_much_evidence_are_surrounded_with_their_share() -> None:
    values = hills()
    values[45:, :4] = 1  # some evidence, but too little for an area
    shown = case(values)
    large = [(share, rings) for share, rings in shown.areas if share >= 0.1]
    assert len(large) == 2
    figure = regions_figure([shown], "Evidence")
    (axes,) = figure.axes
    assert len(axes.patches) == sum(len(rings) for _, rings in large)
    assert [t.get_text() for t in axes.texts] == [f"{share:.0%}" for share, _ in large]
    for drawn, (_, rings) in zip(axes.patches, large, strict=True):
        ends = drawn.get_xy()
        assert (ends.min(0) >= rings[0].min(0)).all() and (ends.max(0) <= rings[0].max(0)).all()
        assert drawn.get_path_effects()  # white below black: visible on any stain
    assert axes.get_xlabel().startswith(f"{sum(share for share, _ in large):.0%}")
    # The picture and the contours have the same pixels: no half pixel between them.
    assert axes.images[0].get_extent() == [0, 50, 50, 0]


def test_scattered_evidence_has_no_area() -> None:
    values = np.zeros((50, 50))
    for row in range(2, 50, 12):
        for column in range(2, 50, 12):
            values[row : row + 4, column : column + 4] = 1
    figure = regions_figure([case(values), case(np.zeros((50, 50)))], "t")
    scattered, none = figure.axes
    assert not scattered.patches and not none.patches
    assert scattered.get_xlabel().startswith("scattered")
    assert none.get_xlabel() == "no evidence"


@pytest.mark.parametrize("count", [1, 17])
def test_any_number_of_patches_is_laid_out(count: int) -> None:
    cases = [case(hills(), f"patient with a very long name $x {i} " * 3) for i in range(count)]
    figure = regions_figure(cases, "Evidence for IDC", "Grad-CAM, logit of IDC")
    figure.draw_without_rendering()
    assert sum(axes.get_visible() for axes in figure.axes) == count


def test_no_patch_is_marked() -> None:
    (axes,) = regions_figure([], "Evidence").axes
    assert axes.texts[0].get_text() == "no patches"
