"""The figure of regions: every region is outlined, boxed and numbered on its patch."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from idc.plots.region_outlines import RegionCase, regions_figure
from idc.slides.evidence_regions import find_regions

RNG = np.random.default_rng(0)


def case(values: np.ndarray, header: str = "8863 x 1 y 1\nIDC, score 0.9") -> RegionCase:
    patch = RNG.integers(0, 256, (*values.shape, 3), dtype=np.uint8)
    return RegionCase(patch, find_regions(values[None], share=0.9)[0], header)


def hills(size: int = 50) -> np.ndarray:
    values = np.zeros((size, size))
    values[5:15, 5:20] = 2
    values[30:45, 30:45] = 1
    return values


def drawn(figure: Figure) -> Figure:
    figure.canvas.draw()
    return figure


def test_regions_are_outlined_boxed_numbered_and_weighed() -> None:
    shown = case(hills())
    assert len(shown.regions) == 2
    (axes,) = drawn(regions_figure([shown], "Evidence")).axes
    assert len(axes.lines) == sum(len(region.contours) for region in shown.regions)
    assert [t.get_text() for t in axes.texts] == ["1", "2"]
    boxes = [p for p in axes.patches if isinstance(p, Rectangle)]
    for box, region in zip(boxes, shown.regions, strict=True):
        top, left, bottom, right = region.box
        assert (box.get_y(), box.get_x()) == (top, left)
        assert (box.get_height(), box.get_width()) == (bottom - top, right - left)
    label = axes.get_xlabel()
    assert all(f"{100 * region.share:.0f} %" in label for region in shown.regions)
    # White under dark: seen on every stain.
    assert all(line.get_path_effects() for line in axes.lines)
    # The picture and the contours have the same pixels: no half pixel between them.
    assert axes.images[0].get_extent() == [0, 50, 50, 0]


def test_numbers_do_not_cover_one_another() -> None:
    values = np.zeros((50, 50))
    values[:, :3], values[:3, 5:], values[6:9, 5:] = 3, 2, 1
    shown = RegionCase(
        np.zeros((50, 50, 3), np.uint8), find_regions(values[None], 1.0, smooth=0)[0], ""
    )
    assert len(shown.regions) == 3
    (axes,) = regions_figure([shown], "t").axes
    places = np.array([t.get_position() for t in axes.texts])
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    assert apart[np.triu_indices(3, 1)].min() > 5
    assert ((places > 0) & (places < 50)).all()


@pytest.mark.parametrize("count", [1, 4, 17])
def test_any_number_of_patches_is_laid_out(count: int) -> None:
    cases = [case(hills(), f"patient with a very long name {i} " * 3) for i in range(count - 1)]
    cases.append(case(np.zeros((50, 50)), "$x"))
    figure = drawn(regions_figure(cases, "Evidence for IDC", "Grad-CAM, logit of IDC"))
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == count
    assert shown[-1].get_xlabel() == "no region"


def test_no_patch_is_marked() -> None:
    (axes,) = drawn(regions_figure([], "Evidence")).axes
    assert axes.texts[0].get_text() == "no patches"
