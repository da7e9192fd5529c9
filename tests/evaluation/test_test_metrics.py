"""The numbers of a test split, and the caveats that go with them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from finished_runs import predictions
from sklearn.metrics import f1_score, roc_auc_score

from idc.evaluation.decision import Decider
from idc.evaluation.inference import Inference
from idc.evaluation.test_metrics import (
    Numbers,
    correction_notes,
    leak_notes,
    metrics_of,
    take_numbers,
)
from idc.metrics.calibration import Calibration
from idc.metrics.threshold import ThresholdRule

DECIDER = Decider(Calibration("none"), 0.5, ThresholdRule(), Inference())


def numbers(test: pd.DataFrame, draws: int = 60, **options: Any) -> Numbers:
    config = {"intervals": {"draws": draws, "level": 0.95}}
    return take_numbers(test, test, 2, config, **{"decider": DECIDER, **options})


def test_metrics_are_those_of_the_decisions_and_the_scores() -> None:
    frame = predictions()
    metrics = metrics_of(frame.assign(predicted=(frame["score"] >= 0.3).astype(int)), 2, "_at_0.5")
    assert metrics["auroc"] == pytest.approx(roc_auc_score(frame["label"], frame["score"]))
    assert metrics["f1"] == pytest.approx(f1_score(frame["label"], frame["score"] >= 0.3))
    assert metrics["f1_at_0.5"] == pytest.approx(f1_score(frame["label"], frame["predicted"]))
    assert not {"ece", "brier", "log_loss"} & set(metrics)


def test_intervals_patients_slices_and_coverage_come_with_the_metrics() -> None:
    frame = predictions()
    result = numbers(frame)
    metrics = result.metrics
    assert all(name.startswith("test/") for name in metrics)
    assert np.isfinite(list(metrics.values())).all()
    assert metrics["test/f1_ci_low"] < metrics["test/f1"] < metrics["test/f1_ci_high"]
    assert metrics["test/loss"] == metrics["test/log_loss_uncalibrated"]
    by_patient = result.per_patient.set_index("patient")
    assert metrics["test/patient_9000/f1"] == by_patient.loc["9000", "f1"]
    assert metrics["test/worst_patient_recall"] == by_patient["recall"].min()
    tables = ["per_patient", "slices", "risk_coverage", "smoothing", "per_label"]
    assert list(result.tables) == tables
    assert result.smoothing.empty
    assert "4 test patients" in result.interval_words


def test_without_draws_there_are_no_intervals() -> None:
    result = numbers(predictions(), draws=0)
    assert not [name for name in result.metrics if "_ci_" in name]
    assert "draws=0" in result.interval_words


def test_a_lacking_class_leaves_out_what_is_undefined() -> None:
    frame = predictions()
    result = numbers(frame[frame["label"] == 1].reset_index(drop=True))
    assert not {"test/auroc", "test/specificity"} & set(result.metrics)
    assert "test/recall" in result.metrics
    whole = numbers(frame)
    assert len(result.notes) == len(whole.notes) + 1


def test_each_caveat_is_a_note_of_its_own() -> None:
    frame = predictions()
    plain = numbers(frame).notes
    noted = replace(
        DECIDER,
        notes=("of the decision",),
        calibration=Calibration("none", notes=("of the scores",)),
    )
    more = numbers(frame, decider=noted, leaky=True).notes
    assert set(more) - set(plain) == {"of the decision", "of the scores", *leak_notes(True)}
    assert leak_notes(False) == []


def test_corrected_labels_are_counted() -> None:
    test = pd.DataFrame({"patient": ["1", "1", "2"], "checks": ["relabelled", "", "ink"]})
    index = pd.DataFrame({"patient": ["1", "3"], "checks": ["excluded", "excluded"]})
    (note,) = correction_notes(test, index)
    assert "1 of the 3 test patches" in note and "1 of the tested patients' patches" in note
    assert correction_notes(test.iloc[1:], index[1:]) == []
    assert correction_notes(test.drop(columns="checks"), index) == []
