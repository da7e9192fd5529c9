"""Confusion matrices hold counts and shares of their rows."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from idc.plots.confusion import confusion_figure

Words = Callable[[Figure], str]


def test_confusion_matrix_shows_counts_and_row_per_cent(words: Words) -> None:
    panels = {
        "at 0.31": np.array([[90, 10], [5, 45]]),
        "at 0.5": np.array([[0, 0], [5, 1234]]),
    }
    written = words(confusion_figure(panels, ["no IDC", "IDC"]))
    for word in ("90\n90.0%", "10\n10.0%", "45\n90.0%", "1,234\n99.6%", "(no patch)"):
        assert word in written
    for word in ("at 0.31", "predicted", "true", "no IDC", "% of the true class"):
        assert word in written


def test_confusion_matrices_of_a_sweep_wrap() -> None:
    panels = {f"run {i}": np.eye(3, dtype=int) for i in range(7)}
    figure = confusion_figure(panels, ["a", "b", "c"])
    shown = [a for a in figure.axes if a.get_visible() and a.get_title().startswith("run")]
    assert len(shown) == 7
