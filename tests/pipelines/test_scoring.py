"""Own data and other data, scored by one run, an ensemble, or the folds of a sweep."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stored_run import CPU, DECIDER, SMALL, present, store_at, write_run

from idc.errors import ConfigError, DataError
from idc.evaluation.evaluate import Evaluation
from idc.pipelines.finished_run import TrainedRun, open_run
from idc.pipelines.scoring import score_other_data, score_own_data
from idc.slides.smoothing import Smoother

pytestmark = pytest.mark.slow
Config = dict[str, Any]
PATIENTS = ("9001", "9002", "9003", "9004", "9005")


@pytest.fixture
def make(compose: Callable[..., Config], tmp_path: Path) -> Callable[..., TrainedRun]:
    """Write and open a run whose weights have a seed and whose patients are in given splits."""

    def run(run_id: str, seed: int, val: str = "9003", test: str = "9004") -> TrainedRun:
        named = (f"split.val_patients=[{val}]", f"split.test_patients=[{test}]")
        config = compose(*SMALL, f"paths.root={tmp_path}", *named, "intervals.draws=0")
        return open_run(
            store_at(tmp_path), write_run(config, run_id, seed), present(config), tmp_path
        )

    return run


def own(runs: Sequence[TrainedRun], **now: Any) -> Evaluation:
    begun: list[None] = []
    evaluation = score_own_data(runs, {**runs[0].now, **now}, CPU, lambda: begun.append(None))
    assert begun
    return evaluation


def test_a_run_scores_its_own_data_as_it_did_in_training(make: Callable[..., TrainedRun]) -> None:
    run = make("a", 0)
    evaluation, stored = own([run]), run.predictions()
    assert evaluation.decider == DECIDER
    for column in ("path", "split", "label", "predicted"):
        assert (evaluation.predictions[column] == stored[column]).all()
    np.testing.assert_allclose(evaluation.predictions["score"], stored["score"], atol=1e-6)
    assert evaluation.metrics["val/threshold"] == DECIDER.threshold
    test = stored[stored["split"] == "test"]
    assert evaluation.metrics["test/accuracy"] == pytest.approx(
        (test["label"] == test["predicted"]).mean()
    )


def test_an_ensemble_is_the_mean_of_its_members(make: Callable[..., TrainedRun]) -> None:
    runs = [make("a", 0), make("b", 1)]
    evaluation = own(runs)
    stored = [run.predictions().set_index("path")["score_raw"] for run in runs]
    mean = (stored[0] + stored[1]) / 2
    scored = evaluation.predictions.set_index("path")["score_raw"]
    np.testing.assert_allclose(scored, mean[scored.index], atol=1e-6)
    assert evaluation.decider is not None
    assert evaluation.decider != DECIDER  # fitted on the mean's own validation scores


def test_another_inference_fits_its_own_threshold(make: Callable[..., TrainedRun]) -> None:
    run = make("a", 0)
    node = {**run.now["inference"], "views": "d4"}
    evaluation = own([run], inference=node)
    assert evaluation.decider is not None
    assert evaluation.decider.inference.views == "d4"
    assert "entropy" in evaluation.predictions


def test_folds_are_pooled_each_at_its_own_threshold(make: Callable[..., TrainedRun]) -> None:
    runs = [make("a", 0), make("b", 1, val="9005", test="9001")]
    evaluation = own(runs)
    assert evaluation.decider is None
    test = evaluation.split("test")
    assert dict(zip(test["patient"], test["fold"], strict=True)) == {"9004": "0", "9001": "1"}
    material = evaluation.material
    assert set(material.rows("test")["patient"]) == {"9001", "9004"}
    assert not len(material.rows("train"))
    for run in runs:
        stored = run.predictions().query("split == 'test'").set_index("path")["score"]
        np.testing.assert_allclose(test.set_index("path")["score"][stored.index], stored, atol=1e-6)


def test_splits_that_test_a_patient_twice_are_not_pooled(make: Callable[..., TrainedRun]) -> None:
    runs = [make("a", 0), make("b", 1, val="9005")]
    with pytest.raises(ConfigError, match=r"2 different splits, and 1 patient.*9004"):
        score_own_data(runs, runs[0].now, CPU, lambda: pytest.fail("nothing is scored"))


def other(runs: Sequence[TrainedRun], action: str, **data: Any) -> Evaluation:
    run = runs[0]
    source = {**run.config["data"]["source"], "patients": 7, "seed": 3, **data}
    now = {**run.now, "data": {**run.config["data"], "source": source}, "known_patients": action}
    return score_other_data(runs, now, CPU, lambda: None)


@pytest.mark.parametrize("action", ["fail", "drop", "keep"])
def test_patients_of_training_are_refused_dropped_or_kept(
    make: Callable[..., TrainedRun], action: str
) -> None:
    run = make("a", 0)
    trained_on = {p for p, split in run.origin.splits.items() if split != "test"}
    assert trained_on == set(PATIENTS) - {"9004"}
    if action == "fail":
        with pytest.raises(DataError, match=r"4 patient\(s\).*known_patients=drop"):
            other([run], action)
        return
    evaluation = other([run], action)
    assert evaluation.decider == DECIDER
    tested = set(evaluation.predictions["patient"])
    assert bool(trained_on & tested) == (action == "keep") == evaluation.material.leaky
    assert {"9004", "9006", "9007"} <= tested
    assert set(evaluation.predictions["split"]) == {"test"}
    scores, predicted = evaluation.predictions["score"], evaluation.predictions["predicted"]
    assert (predicted == (scores >= DECIDER.threshold)).all()
    assert any("were left out" in note for note in evaluation.notes) == (action == "drop")
    assert any("LEAKY" in note for note in evaluation.notes) == (action == "keep")


def test_an_ensemble_on_other_data_decides_by_stored_validation_scores(
    make: Callable[..., TrainedRun],
) -> None:
    alike = other([make("a", 0), make("b", 1)], "drop")
    assert alike.decider is not None
    assert not any("different validation splits" in note for note in alike.notes)
    apart = other([make("c", 0), make("d", 1, val="9005")], "drop")
    assert any("different validation splits" in note for note in apart.notes)


def test_a_run_that_smooths_smooths_other_data_too(make: Callable[..., TrainedRun]) -> None:
    smoothing = replace(DECIDER, smoother=Smoother("mean"), smoothed=DECIDER)
    run = replace(make("a", 0), decider=smoothing)
    for evaluation in (own([run]), other([run], "drop")):
        assert evaluation.metrics["test/f1_smoothed"] >= 0
        assert list(evaluation.numbers.smoothing["metric"])[:2] == ["recall", "specificity"]
        assert evaluation.predictions["score_smoothed"].between(0, 1).all()
    # An ensemble chooses its own, on the mean of its members' validation scores.
    config = {**run.config, "postprocess": {**run.config["postprocess"], "method": "median"}}
    runs = [replace(make(name, i), config=config) for i, name in enumerate("bc")]
    for evaluation in (own(runs), other(runs, "drop")):
        assert evaluation.decider is not None
        assert evaluation.decider.smoother == Smoother("median")
        assert "test/auroc_smoothed" in evaluation.metrics


def test_data_of_another_number_of_classes_are_refused(make: Callable[..., TrainedRun]) -> None:
    run = replace(make("a", 0), class_names=("a", "b", "c"))
    with pytest.raises(DataError, match=r"it has 2 classes.*the run has 3"):
        other([run], "drop")
