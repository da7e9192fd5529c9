"""Each filter of the first convolution stands above its own map."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from idc.plots.first_layer import first_layer_figure
from idc.plots.layer_features import MapRow

RNG = np.random.default_rng(0)


def test_filters_stand_above_the_maps_of_their_channels(words: Callable[[Figure], str]) -> None:
    patch = RNG.integers(0, 256, (50, 50, 3), dtype=np.uint8)
    weights = RNG.normal(size=(32, 3, 5, 7))
    chosen = np.array([31, 4, 7, 0, 2, 9, 11, 12, 20, 3])
    maps = RNG.normal(size=(len(chosen), 25, 25))
    row = MapRow("stem.conv1", 32, chosen, maps, maps.min((1, 2)), maps.max((1, 2)))
    figure = first_layer_figure(patch, weights, row, "IDC detected\npatient 8863")
    first, *tiles = [axes for axes in figure.axes if axes.images]
    assert np.array_equal(first.images[0].get_array(), patch)
    for place, number in enumerate(chosen):
        line, column = divmod(place, 8)
        # The axes are in reading order; the last row of pairs has fewer.
        start = line * 16
        width = min(8, len(chosen) - line * 8)
        above, below = tiles[start + column], tiles[start + width + column]
        assert above.get_title() == f"#{number}"
        image = np.asarray(above.images[0].get_array())
        scaled = weights[number] / np.abs(weights[number]).max()
        assert np.allclose(image, scaled.transpose(1, 2, 0) / 2 + 0.5)
        assert np.array_equal(below.images[0].get_array(), maps[place])
        low, high = below.images[0].get_clim()
        assert low == -high == -np.abs(maps[place]).max()
    assert "10 of 32 filters (5x7)" in words(figure)


def test_a_grey_input_and_a_constant_map_are_drawn(words: Callable[[Figure], str]) -> None:
    row = MapRow("conv", 1, np.array([0]), np.zeros((1, 4, 4)), np.zeros(1), np.zeros(1))
    patch = np.zeros((8, 8, 3), np.uint8)
    figure = first_layer_figure(patch, np.ones((1, 1, 3, 3)), row, "none")
    assert len([axes for axes in figure.axes if axes.images]) == 3
    assert "the first input channel" in words(figure)
