"""Names as they stand, and colours that differ for everybody."""

import tracemalloc

import matplotlib
import numpy as np
import pytest

from idc.plots.curves import roc_figure
from idc.plots.patch_grids import patch_grid_figure
from idc.plots.style import (
    CURVES,
    curve_style,
    distinct,
    empty_figure,
    has_both,
    hide_rest,
    legend_below,
    literal,
    new_figure,
    shorten,
    wrap_grid,
)


@pytest.mark.parametrize("name", ["a$b$c", r"\$x$", "$\\frac{$", "$", r"a\b_{2}^3"])
def test_names_with_dollar_signs_are_no_formulas(name: str) -> None:
    figure = patch_grid_figure(np.zeros((1, 4, 4, 3), np.uint8), [literal(name)], literal(name))
    figure.draw_without_rendering()
    text = figure.axes[0].texts[0]
    shown, is_formula = text._preprocess_math(text.get_text())
    assert not is_formula
    assert shown == name


def test_names_are_one_short_line() -> None:
    assert literal("two\nlines\tand more") == "two lines and more"
    assert len(literal("x" * 500)) == 40
    assert literal("  ") == "(no name)"


# Machado et al. 2009, severity 1: what a deuteranope and a protanope see.
DEFICIENCIES = {
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
}


@pytest.mark.parametrize("kind", DEFICIENCIES)
def test_the_first_colours_differ_for_the_colour_blind(kind: str) -> None:
    matrix = np.array(DEFICIENCIES[kind])
    seen = [matrix @ matplotlib.colors.to_rgb(c) for c in CURVES]
    distances = [np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]]
    assert min(distances) > 0.12


@pytest.mark.slow
def test_figures_leave_no_memory_behind() -> None:
    def draw() -> None:
        roc_figure(
            {"t": (np.tile([0, 1], 100), np.linspace(0, 1, 200))}, {"t": 0.5}, "t"
        ).draw_without_rendering()

    draw()
    tracemalloc.start()
    for _ in range(2):
        draw()
    import gc

    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(3):
        draw()
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 1_000_000


def test_twenty_eight_curves_differ_in_colour_or_dashes() -> None:
    looks = {(str(curve_style(i)["color"]), str(curve_style(i)["linestyle"])) for i in range(28)}
    assert len(looks) == 28


@pytest.mark.parametrize(("count", "grid"), [(1, (1, 1)), (2, (1, 2)), (4, (2, 3)), (7, (3, 3))])
def test_panels_wrap_and_the_rest_is_hidden(count: int, grid: tuple[int, int]) -> None:
    assert wrap_grid(count, 3) == grid
    axes = new_figure(4, 4).subplots(*grid, squeeze=False).ravel().tolist()
    hide_rest(axes, count)
    assert sum(one.get_visible() for one in axes) == count


def test_names_that_become_equal_when_shortened_are_numbered() -> None:
    long = [f"{'x' * 30}{end}{'y' * 30}" for end in "ab"]
    assert shorten(long[0], 20) == shorten(long[1], 20)
    names = distinct(long, 20)
    assert len(set(names)) == 2 and max(map(len, names)) <= 20
    assert distinct(["a", "b"], 20) == ["a", "b"]


def test_a_legend_has_each_label_once() -> None:
    figure = new_figure(4, 4)
    axes = figure.subplots(1, 2)
    for one in axes:
        one.plot([0, 1], label="the same")
    axes[1].plot([1, 0], label="another")
    legend_below(figure, list(axes))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["the same", "another"]
    bare = empty_figure("nothing", "title")
    legend_below(bare, bare.axes)
    assert not bare.legends and bare.get_suptitle() == "title"


def test_whether_both_labels_occur() -> None:
    assert has_both(np.array([0, 1, 2]))
    assert not has_both(np.array([1, 1, 2]))
