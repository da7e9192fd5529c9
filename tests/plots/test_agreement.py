"""The figure of agreement: few and many readers, undefined kappas, odd names."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure

from idc.plots.agreement import agreement_figure
from idc.plots.style import distinct

CLASSES = ("no IDC", "IDC")


def figure(names: list[str], value: float = 0.4) -> Figure:
    kappas = np.full((len(names), len(names)), value)
    panels = {name: np.array([[5, 1, 0], [0, 0, 0]]) for name in names[:-2]}
    return agreement_figure(names, kappas, np.full_like(kappas, 1234.0), panels, CLASSES)


@pytest.mark.parametrize("readers", [1, 8])
def test_each_pair_occurs_once_and_each_reader_has_a_panel(
    readers: int, words: Callable[[Figure], str]
) -> None:
    names = [*(f"R{i}" for i in range(readers)), "label", "model"]
    drawn = figure(names)
    written = words(drawn)
    assert written.count("0.40\nn = 1,234") == len(names) * (len(names) - 1) // 2
    panels = [axes for axes in drawn.axes if axes.get_xlabel() == "verdict" and axes.get_visible()]
    assert len(panels) == readers
    assert written.count("5\n83.3%") == readers


def test_undefined_kappa_is_marked_and_no_reader_is_no_error(
    words: Callable[[Figure], str],
) -> None:
    written = words(figure(["Ann", "label", "model"], np.nan))
    assert written.count("undefined") == 3
    assert "nan" not in written
    assert words(agreement_figure(["label", "model"], np.eye(2), np.eye(2), {}, CLASSES))
    assert words(agreement_figure([], np.eye(0), np.eye(0), {}, CLASSES))


def test_names_that_would_be_cut_alike_are_numbered() -> None:
    assert distinct(["Ann", "$x$"], 20) == ["Ann", r"\$x\$"]
    names = [f"Dr. Bartholomew Longname-{i} von und zu" for i in range(2)]
    assert len(set(distinct(names, 20))) == 2
