"""Attribution maps: their colours, and the marks of methods that failed a check."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from idc.plots.attribution import AttributionCase, attribution_figure

Words = Callable[[Figure], str]
RNG = np.random.default_rng(0)


def test_attribution_colours_part_at_zero_only_for_signed_maps(words: Words) -> None:
    patch = RNG.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    signed, positive = RNG.normal(size=(20, 20)), RNG.random((20, 20))
    case = AttributionCase(
        patch,
        {"ig": signed, "gradcam": positive, "flat": np.zeros((20, 20))},
        "TP 9001",
        {"gradcam": "layer3, map 7x7"},
    )
    figure = attribution_figure([case], ["ig", "gradcam", "flat"], "t", "what is explained")
    written = words(figure)
    for word in ("TP 9001", "layer3, map 7x7", "what is explained", "ig", "gradcam"):
        assert word in written
    maps = [ax.images[0] for ax in figure.axes if ax.images and ax.images[0].get_array().ndim == 2]
    low, high = maps[0].get_clim()
    assert low == -high
    assert maps[1].get_clim()[0] == 0


def test_a_signed_method_has_one_kind_of_colours_in_all_rows() -> None:
    patch = RNG.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    both, positive = RNG.normal(size=(20, 20)), RNG.random((20, 20))
    cases = [AttributionCase(patch, {"ig": values}, "", {}) for values in (both, positive)]
    figure = attribution_figure(cases, ["ig"], "t")
    names = {i.get_cmap().name for ax in figure.axes for i in ax.images if i.get_array().ndim == 2}
    assert names - {"gray"} == {"PuOr_r"}


def test_a_method_that_is_not_to_be_trusted_is_marked(words: Words) -> None:
    patch = RNG.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    maps = {"good": RNG.random((20, 20)), "bad": RNG.random((20, 20))}
    case = AttributionCase(patch, maps, "h", {}, {"bad": "fails the weights check"})
    figure = attribution_figure([case], ["good", "bad"], "t")
    assert "bad\n✗ fails the weights check" in words(figure)
    dashed = [ax for ax in figure.axes if ax.spines["left"].get_linestyle() == "--"]
    assert len(dashed) == 2  # the map alone and on the patch
