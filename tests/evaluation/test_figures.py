"""Which figures a run has, and what they are captioned with."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from finished_runs import predictions

from idc.evaluation.figures import caption, learning_figures, numbers_figures
from idc.evaluation.predictions import with_probabilities
from idc.evaluation.test_metrics import Numbers, take_numbers
from idc.models.history import History

CONFIG: dict[str, Any] = {"intervals": {"draws": 0, "level": 0.95}}


def measured(frame: pd.DataFrame, classes: int) -> Numbers:
    names = ("no IDC", "IDC") if classes == 2 else tuple("abc")
    return take_numbers(frame, frame, classes, CONFIG, None, class_names=names)


@pytest.mark.parametrize("threshold", [0.4, None])
def test_two_classes_have_a_burden_and_two_confusion_matrices(threshold: float | None) -> None:
    frame = predictions().assign(checks=["ink", ""] * 20)
    figures = dict(numbers_figures(frame, measured(frame, 2), threshold, ("no IDC", "IDC")))
    assert list(figures) == [
        *("roc", "precision_recall", "reliability", "confusion_matrix", "per_patient", "burden"),
        *("slices", "risk_coverage"),
    ]
    titles = [axes.get_title() for axes in figures["confusion_matrix"].axes]
    assert ("at threshold 0.400" in titles) == (threshold is not None)
    assert "at 0.5" in titles


def test_more_classes_have_a_curve_each_and_no_burden() -> None:
    rng = np.random.default_rng(0)
    frame = predictions()
    p = rng.dirichlet(np.ones(3), len(frame))
    frame = with_probabilities(with_probabilities(frame, p, "score_raw"), p, "score")
    frame = frame.assign(label=np.arange(len(frame)) % 3, predicted=p.argmax(1), score=p.max(1))
    figures = dict(numbers_figures(frame, measured(frame, 3), None, tuple("abc")))
    assert "burden" not in figures
    drawn = [axes for axes in figures["reliability_per_class"].axes if axes.get_visible()]
    assert len(drawn) == 3
    named = [str(line.get_label())[:1] for line in figures["roc"].axes[0].lines]
    assert set("abc") <= set(named)


def test_samples_of_uncertainty_have_a_curve_and_a_single_slice_no_figure() -> None:
    frame = predictions().assign(mutual_information=np.linspace(0, 1, 40))
    figures = dict(numbers_figures(frame, measured(frame, 2), 0.5, ("no IDC", "IDC")))
    assert "slices" not in figures
    curves = {line.get_label() for line in figures["risk_coverage"].axes[0].lines}
    assert len([name for name in curves if not str(name).startswith("_")]) == 2


@pytest.mark.parametrize(("mode", "epoch"), [("max", 2), ("min", 3)])
def test_the_best_epoch_is_that_of_the_monitor(mode: str, epoch: int) -> None:
    history = History()
    for number, value in enumerate((0.5, 0.9, 0.1)):
        history.add(number, {"val/f1": value, "train/f1": 1 - value})
    ((name, figure),) = learning_figures(history, "val/f1", mode)
    assert name == "learning_curves"
    vertical = [
        line.get_xdata()[0] for line in figure.axes[0].lines if len(set(line.get_xdata())) == 1
    ]
    assert vertical == [epoch]
    ((_, unknown),) = learning_figures(history, "val/of_tomorrow", mode)
    assert not unknown.get_suptitle()


def test_captions_name_patient_place_and_score() -> None:
    row = {"patient": "9001", "x": 51, "y": 101, "score": 0.456}
    lines = caption(row, score=True).split("\n")
    assert lines[0] == "9001" and lines[-1].endswith("0.46")
    assert "51" in lines[1] and "101" in lines[1]
    assert caption({"patient": "9001"}) == "9001"
