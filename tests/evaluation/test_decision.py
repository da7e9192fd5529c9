"""Calibration and threshold: fitted on validation, written and read back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from idc.errors import CheckpointError
from idc.evaluation.decision import fit_decider, load_decider
from idc.evaluation.predictions import decide, probabilities_of, with_probabilities

Config = dict[str, Any]
LABELS = np.tile([0, 0, 1], 20)


def scores(seed: int = 0, skill: float = 1.0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=len(LABELS))
    positive = 1 / (1 + np.exp(-skill * (2 * LABELS - 1) - noise))
    return np.stack([1 - positive, positive], axis=1)


def test_a_threshold_that_cannot_be_reached_falls_back_to_the_best_f1(
    compose: Callable[..., Config],
) -> None:
    worthless = np.stack([LABELS, 1.0 - LABELS], axis=1)  # the negatives score highest
    best = fit_decider(LABELS, worthless, compose("threshold.rule=max_f1"))
    decider = fit_decider(LABELS, worthless, compose("threshold.rule='precision>=0.99'"))
    assert decider.threshold == best.threshold
    assert decider.rule is not None
    assert decider.rule.rule == "max_f1"
    assert len(decider.notes) == 1
    assert best.notes == ()


@pytest.mark.parametrize("calibration", ["none", "temperature"])
def test_a_decision_is_read_back_as_it_was(
    compose: Callable[..., Config], tmp_path: Path, calibration: str
) -> None:
    config = compose(f"calibration.method={calibration}", "threshold.rule='recall>=0.9'")
    decider = fit_decider(LABELS, scores(), config)
    decider.save(tmp_path)
    loaded = load_decider(tmp_path / "decision.json")
    assert loaded == decider
    frame = with_probabilities(pd.DataFrame({"label": LABELS}), scores(1), "score_raw")
    pd.testing.assert_frame_equal(decide(frame, loaded, 2), decide(frame, decider, 2))


def test_two_classes_are_decided_at_the_threshold(compose: Callable[..., Config]) -> None:
    decider = fit_decider(LABELS, scores(), compose())
    frame = with_probabilities(pd.DataFrame({"label": LABELS}), scores(), "score_raw")
    decided = decide(frame, decider, 2)
    assert decider.threshold is not None
    assert (decided["predicted"] == (decided["score"] >= decider.threshold)).all()
    of_label = np.where(LABELS, decided["score"], 1 - decided["score"])
    np.testing.assert_allclose(decided["loss"], -np.log(of_label))
    np.testing.assert_allclose(probabilities_of(decided, 2), scores())


def test_more_classes_are_decided_by_the_most_probable(compose: Callable[..., Config]) -> None:
    labels = np.arange(30) % 3
    three = np.random.default_rng(0).dirichlet(np.ones(3), 30)
    decider = fit_decider(labels, three, compose())
    assert decider.threshold is None
    frame = with_probabilities(pd.DataFrame({"label": labels}), three, "score_raw")
    decided = decide(frame, decider, 3)
    calibrated = decider.calibration.apply(three)
    assert (decided["predicted"] == calibrated.argmax(1)).all()
    np.testing.assert_allclose(decided["score"], calibrated.max(1))
    np.testing.assert_allclose(probabilities_of(decided, 3, "score"), calibrated)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"rule": 3, "calibration": {}, "inference": {}, "threshold": 0.5}',
        '{"rule": null, "calibration": {"kind": "odd"}, "inference": {}, "threshold": 0.5}',
        '{"rule": null, "calibration": {}, "inference": {"views": "x"}, "threshold": null}',
        '{"rule": null, "calibration": {}, "inference": {}, "threshold": 7}',
    ],
)
def test_a_torn_decision_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "decision.json"
    path.write_text(text)
    with pytest.raises(CheckpointError, match=rf"{path}: this is not a decision"):
        load_decider(path)
