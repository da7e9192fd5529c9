"""Predictions as a table: what is kept of the index, probabilities, and decisions."""

import numpy as np
import pandas as pd
import pytest

from idc.evaluation.decision import Decider
from idc.evaluation.inference import Inference
from idc.evaluation.predictions import (
    decide,
    prediction_of,
    probabilities_of,
    raw_predictions,
    with_probabilities,
)
from idc.metrics.calibration import Calibration

INDEX = pd.DataFrame(
    {
        "path": list("abcd"),
        "patient": ["1", "1", "2", "2"],
        "x": [0, 50, 0, 50],
        "y": 0,
        "label": [0, 1, 1, 0],
        "split": ["val", "test", "test", "test"],
        "checks": pd.Categorical(["", "ink", "", ""]),
        "bytes": 300,
    }
)
TWO = np.array([[0.6, 0.4], [0.2, 0.8], [0.9, 0.1]])
THREE = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3]])


def decider(threshold: float | None, calibration: Calibration | None = None) -> Decider:
    return Decider(calibration or Calibration("none"), threshold, None, Inference())


def test_rows_of_the_index_keep_their_facts_and_number() -> None:
    more = {"entropy": np.array([0.1, 0.2, 0.3])}
    frame = raw_predictions(INDEX, np.array([1, 2, 3]), TWO, more)
    assert list(frame) == [
        *("path", "patient", "x", "y", "label", "split", "checks", "row", "score_raw", "entropy")
    ]
    assert frame["row"].tolist() == [1, 2, 3]
    assert frame["path"].tolist() == ["b", "c", "d"]
    assert frame["checks"].tolist() == ["ink", "", ""]
    assert frame["score_raw"].tolist() == [0.4, 0.8, 0.1]


@pytest.mark.parametrize("probabilities", [TWO, THREE])
def test_probabilities_come_back_as_they_were_put_in(probabilities: np.ndarray) -> None:
    frame = with_probabilities(INDEX.iloc[:3], probabilities, "score_raw")
    classes = probabilities.shape[1]
    assert probabilities_of(frame, classes) == pytest.approx(probabilities)


def test_two_classes_are_decided_at_the_threshold_itself() -> None:
    frame = raw_predictions(INDEX, np.array([1, 2, 3]), TWO)
    result = decide(frame, decider(0.4), 2)
    assert result["predicted"].tolist() == [1, 1, 0]
    assert result["loss"].tolist() == pytest.approx(-np.log([0.4, 0.8, 0.9]))
    hot = decide(frame, decider(0.4, Calibration("temperature", temperature=2.0)), 2)
    odds = np.sqrt(TWO[:, 1] / TWO[:, 0])
    assert hot["score"].tolist() == pytest.approx(odds / (1 + odds))
    assert hot["score_raw"].tolist() == frame["score_raw"].tolist()


def test_more_classes_take_the_most_probable_and_its_score() -> None:
    frame = raw_predictions(INDEX, np.array([1, 2, 3]), THREE)
    result = decide(frame, decider(None), 3)
    assert result["predicted"].tolist() == [0, 2, 1]
    assert result["score"].tolist() == [0.5, 0.7, 0.4]
    assert result["loss"].tolist() == pytest.approx(-np.log([0.3, 0.2, 0.3]))
    sure = with_probabilities(frame, np.eye(3), "score_raw")
    assert np.isfinite(decide(sure, decider(None), 3)["loss"]).all()


def test_decisions_at_one_half_stand_beside_the_chosen_ones() -> None:
    frame = decide(raw_predictions(INDEX, np.array([1, 2, 3]), TWO), decider(0.4), 2)
    prediction = prediction_of(frame, 2, "_at_0.5")
    assert prediction.scores.tolist() == pytest.approx([0.4, 0.8, 0.1])
    decisions = {name: values.tolist() for name, values in prediction.decisions.items()}
    assert decisions == {"": [1, 1, 0], "_at_0.5": [0, 1, 0]}
    three = decide(raw_predictions(INDEX, np.array([1, 2, 3]), THREE), decider(None), 3)
    assert prediction_of(three, 3, "_at_0.5").scores.shape == (3, 3)
    assert list(prediction_of(three, 3, "_at_0.5").decisions) == [""]
