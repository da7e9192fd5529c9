"""Grids show every patch as it is, with its caption."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure

from idc.plots.patch_grids import augmented_grid_figure, patch_grid_figure, sample_grid_figure

Words = Callable[[Figure], str]
RNG = np.random.default_rng(0)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 7])
def test_a_grid_shows_patches_unsmoothed_with_captions(count: int, words: Words) -> None:
    patches = RNG.integers(0, 256, (count, 20, 20, 3), dtype=np.uint8)
    captions = [f"8863\nx {i}" for i in range(count)]
    figure = patch_grid_figure(patches, captions, "IDC")
    written = words(figure).split("\n")
    assert all(f"x {i}" in written for i in range(count))
    drawn = [a.images[0] for a in figure.axes if a.images]
    assert [np.array_equal(i.get_array(), p) for i, p in zip(drawn, patches, strict=True)]
    assert {i.get_interpolation() for i in drawn} == {"nearest"}


def test_grids_show_every_patch_with_its_caption(words: Words) -> None:
    patches = RNG.integers(0, 256, (13, 20, 20, 3), dtype=np.uint8)
    captions = [f"patient {i}" for i in range(13)]
    figure = sample_grid_figure({"IDC": (patches, captions), "none": (patches[:0], [])}, "t")
    written = words(figure)
    assert all(c in written.split("\n") for c in captions)
    assert "IDC" in written
    drawn = [im.get_array() for ax in figure.axes for im in ax.images]
    assert len(drawn) == 13
    assert np.array_equal(drawn[4], patches[4])
    augmented = augmented_grid_figure(patches[:2], np.stack([patches[:2]] * 3, 1), "t")
    assert sum(len(ax.images) for ax in augmented.axes) == 8
