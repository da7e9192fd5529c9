"""Filters, feature maps and exciting patches are drawn as they are given, on fair scales."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure

from idc.plots.layer_features import (
    MapRow,
    UnitRow,
    feature_maps_figure,
    filters_figure,
    top_patches_figure,
)

Words = Callable[[Figure], str]

RNG = np.random.default_rng(0)
PATCHES = RNG.integers(0, 256, (6, 50, 50, 3), dtype=np.uint8)


def with_images(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.images]


def map_row(name: str, maps: np.ndarray, low: float, high: float) -> MapRow:
    count = len(maps)
    ends = np.full(count, low), np.full(count, high)
    return MapRow(name, 64, np.arange(count) * 10, maps, *ends)


def test_each_channel_is_drawn_on_the_scale_it_was_given(words: Words) -> None:
    positive, signed = RNG.random((3, 5, 5)), RNG.normal(size=(2, 9, 9))
    rows = [map_row("layer1", positive, 0.5, 4.0), map_row("stem", signed, -1.0, 3.0)]
    figure = feature_maps_figure(PATCHES[0], rows, "patient 8863\nlabel IDC", "Maps", "of 6")
    patch, *drawn = with_images(figure)
    assert np.array_equal(patch.images[0].get_array(), PATCHES[0])
    maps = [axes.images[0] for axes in drawn]
    for image, values in zip(maps, [*positive, *signed], strict=True):
        assert np.array_equal(image.get_array(), values)
    assert [image.get_clim() for image in maps] == [(0.5, 4.0)] * 3 + [(-3.0, 3.0)] * 2
    assert len({image.get_cmap().name for image in maps}) == 2
    text = words(figure)
    for part in ("#20", "layer1", "3 of 64\nmap 5x5", "patient 8863", "maximum", "of 6"):
        assert part in text


def test_layers_without_varying_channels_are_marked(words: Words) -> None:
    rows = [map_row("dead", np.zeros((0, 4, 4)), 0, 0), map_row("flat", np.ones((1, 2, 2)), 1, 1)]
    text = words(feature_maps_figure(PATCHES[0], rows, "", "Maps"))
    assert "no channel\nvaries" in text
    assert "0 of 64\nmap 4x4" in text
    assert "below zero" not in text


def test_filters_in_colour_have_zero_at_mid_grey(words: Words) -> None:
    weights = RNG.normal(size=(5, 3, 7, 7))
    weights[3] = 0
    figure = filters_figure(weights, "stem.conv1")
    tiles = [axes.images[0].get_array() for axes in with_images(figure)]
    assert len(tiles) == 5
    for tile, one in zip(tiles, weights, strict=True):
        expected = one.transpose(1, 2, 0) / (2 * np.abs(one).max() or 1) + 0.5
        assert np.allclose(tile, expected)
    norms = np.linalg.norm(weights.reshape(5, -1), axis=1)
    text = words(figure)
    assert "#3  0.00" in text
    assert f"#{norms.argmax()}  1.00" in text
    assert "stem.conv1: 5 filters, 7x7" in text


@pytest.mark.parametrize(("inputs", "width"), [(1, 3), (2, 7), (12, 23)])
def test_filters_of_other_inputs_show_their_planes(inputs: int, width: int, words: Words) -> None:
    weights = RNG.normal(size=(4, inputs, 3, 3))
    figure = filters_figure(weights, "conv")
    image = with_images(figure)[0].images[0]
    assert image.get_array().shape == (3, width)
    assert image.get_clim() == (-1, 1)
    assert np.allclose(image.get_array()[:, :3], weights[0, 0] / np.abs(weights[0]).max())
    assert ("the first 6 of 12" in words(figure)) == (inputs == 12)


def test_of_many_filters_the_strongest_are_shown(words: Words) -> None:
    weights = RNG.normal(size=(100, 3, 1, 1)) * np.linspace(0.1, 1, 100)[:, None, None, None]
    figure = filters_figure(weights, "conv")
    norms = np.linalg.norm(weights.reshape(100, -1), axis=1)
    text = words(figure)
    assert "the 64 strongest of 100 filters" in text
    shown = {int(line.split()[0][1:]) for line in text.split("\n") if line.startswith("#")}
    assert shown == set(np.argsort(-norms)[:64].tolist())


def contours(axes: Axes) -> list[QuadContourSet]:
    return [c for c in axes.collections if isinstance(c, QuadContourSet)]


def test_the_contour_is_where_the_unit_is_active(words: Words) -> None:
    maps = np.zeros((2, 5, 5), np.float32) - 8
    maps[0, 1, 3] = -2  # around (35, 15) in pixels
    unit = UnitRow("channel 7\nAUROC 0.81", PATCHES[:2], maps, ["8863, IDC\nscore 0.9", "8864, no"])
    figure = top_patches_figure([unit], "layer3")
    figure.draw_without_rendering()
    first, flat = with_images(figure)
    assert np.array_equal(first.images[0].get_array(), PATCHES[0])
    (line,) = contours(first)
    assert line.levels.tolist() == [-5.0]
    assert {dashes for _, dashes in line.get_linestyle()} == {None}  # solid, though below zero
    corners = np.concatenate([path.vertices for path in line.get_paths()])
    assert np.allclose((corners.min(0) + corners.max(0)) / 2, [34.5, 14.5], atol=0.6)
    assert (np.ptp(corners, axis=0) < 13).all()
    assert first.get_xlim() == (-0.5, 49.5)
    assert contours(flat) == []
    text = words(figure)
    for part in ("channel 7\nAUROC 0.81", "8863, IDC\nscore 0.9", "Contour"):
        assert part in text


def test_coarse_maps_have_no_contour_and_no_patch_is_marked(words: Words) -> None:
    coarse = UnitRow("channel 1", PATCHES, RNG.normal(size=(6, 2, 2)), ["a"] * 6)
    figure = top_patches_figure(
        [coarse, UnitRow("channel 2", PATCHES[:0], coarse.maps[:0], [])], "x"
    )
    assert not any(contours(axes) for axes in figure.axes)
    text = words(figure)
    assert "No contours" in text
    assert "no patch" in text
