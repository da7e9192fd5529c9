"""The figure of agreement: few and many readers, undefined kappas, odd names."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from idc.plots.agreement import ReaderPanel, agreement_figure, short_names

CLASSES = ("no IDC", "IDC")


def figure(names: list[str], value: float = 0.4) -> Figure:
    kappas = np.full((len(names), len(names)), value)
    panels = [ReaderPanel(name, np.array([[5, 1, 0], [0, 0, 0]])) for name in names[:-2]]
    return agreement_figure(names, kappas, np.full_like(kappas, 1234.0), panels, CLASSES)


def texts(drawn: Figure) -> list[str]:
    drawn.savefig(io.BytesIO(), dpi=40)
    return [text.get_text() for axes in drawn.axes for text in axes.texts]


@pytest.mark.parametrize("readers", [1, 2, 8])
def test_each_pair_stands_there_once_and_each_reader_has_a_panel(readers: int) -> None:
    names = [*(f"R{i}" for i in range(readers)), "label", "model"]
    drawn = figure(names)
    shown = texts(drawn)
    assert shown.count("0.40") == len(names) * (len(names) - 1) // 2
    assert shown.count("n = 1,234") == shown.count("0.40")
    assert (
        sum(axes.get_xlabel() == "verdict" and axes.get_visible() for axes in drawn.axes) == readers
    )
    assert shown.count("5\n83%") == readers


def test_undefined_kappa_is_marked_and_no_reader_is_no_error() -> None:
    shown = texts(figure(["Ann", "label", "model"], np.nan))
    assert shown.count("undefined") == 3
    assert "nan" not in " ".join(shown)
    assert texts(agreement_figure(["label", "model"], np.eye(2), np.eye(2), [], CLASSES))
    assert texts(agreement_figure([], np.eye(0), np.eye(0), [], CLASSES))


def test_names_that_would_be_cut_alike_are_numbered() -> None:
    assert short_names(["Ann", "$x$"]) == ["Ann", r"\$x\$"]
    names = [f"Dr. Bartholomew Longname-{i} von und zu" for i in range(2)]
    assert len(set(short_names(names))) == 2
    texts(figure([*names, "label", "model"]))
