"""Baselines learn from the training split only, and give probabilities."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import recall_score, roc_auc_score

from idc.evaluation.baselines import (
    BASELINES,
    FEATURES,
    baseline_probabilities,
    judge_baselines,
)
from idc.metrics.threshold import ThresholdRule


def patches(labels: list[int], seed: int = 0, effect: float = 25.0) -> pd.DataFrame:
    """Patches whose redness tells their label; each ten are a patient."""
    rng = np.random.default_rng(seed)
    label = np.array(labels)
    frame = pd.DataFrame({name: rng.random(len(label)) for name in FEATURES})
    frame["mean_r"] = rng.normal(120, 10, len(label)) + effect * label
    group = [f"p{i // 10}" for i in range(len(label))]
    return frame.assign(
        label=label, patient=group, path=[f"{seed}_{i}.png" for i in range(len(label))]
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(4, 5))
def test_rows_are_probabilities_whatever_classes_training_knew(labels: list[int], k: int) -> None:
    result = baseline_probabilities(patches(labels), patches([0, 1, 2], seed=1), k)
    assert tuple(result) == BASELINES
    for scores in result.values():
        assert scores.shape == (3, k)
        assert scores.min() >= 0
        assert scores.sum(1) == pytest.approx(1)
        assert scores[:, 4:].sum() == 0  # a class that training did not know


def test_guesses_come_from_the_training_labels_alone() -> None:
    train, test = patches([0] * 30 + [1] * 10), patches([1] * 8)
    result = baseline_probabilities(train, test, 2)
    assert (result["majority class"] == [1, 0]).all()
    assert (result["class prior"] == [0.75, 0.25]).all()
    tie = baseline_probabilities(patches([1, 0]), test, 2)
    assert (tie["majority class"] == [1, 0]).all()


def test_the_colour_model_finds_colour_and_is_the_same_each_time() -> None:
    labels = np.random.default_rng(1).integers(0, 2, 200).tolist()
    train, test = patches(labels), patches(labels, seed=2)
    one, two = (baseline_probabilities(train, test, 2)["colour statistics"] for _ in range(2))
    assert (one == two).all()
    assert roc_auc_score(labels, one[:, 1]) > 0.9
    # Scores of a fit on all patches alike are probabilities: their mean is the share.
    assert baseline_probabilities(train, train, 2)["colour statistics"][:, 1].mean() == (
        pytest.approx(np.mean(labels), abs=0.01)
    )
    blind = test.assign(mean_r=120.0)
    assert roc_auc_score(
        labels, baseline_probabilities(train, blind, 2)["colour statistics"][:, 1]
    ) < (0.7)


def test_one_class_in_training_is_always_predicted() -> None:
    result = baseline_probabilities(patches([1, 1, 1]), patches([0, 1]), 2)
    assert (result["colour statistics"] == [0, 1]).all()


def test_rare_classes_count_alike_for_more_than_two() -> None:
    labels = [0] * 300 + [1] * 20 + [2] * 20
    train = patches(labels, effect=8.0)
    scores = baseline_probabilities(train, train, 3)["colour statistics"]
    called = scores.argmax(1)
    recall = [(called[np.array(labels) == c] == c).mean() for c in range(3)]
    assert recall[2] > 0.6


def test_what_was_not_measured_is_left_out() -> None:
    train, test = patches([0, 1] * 20), patches([0, 1])
    few = ["mean_r", "label", "patient", "path"]
    result = baseline_probabilities(train[few], test, 2)["colour statistics"]
    assert result[1, 1] > result[0, 1]
    index = train.assign(split=np.repeat(["train", "val", "test"], [20, 10, 10]))
    assert judge_baselines(index[[*few, "split"]], "ab", None) is None
    assert judge_baselines(index[index["split"] != "train"], "ab", None) is None


@pytest.mark.parametrize("classes", [2, 3])
def test_the_baselines_of_a_run(classes: int) -> None:
    labels = [*range(classes)] * 21
    index = patches(labels, effect=60.0).assign(
        split=np.repeat(["train", "val", "test"], 7 * classes)
    )
    rule = ThresholdRule() if classes == 2 else None
    result = judge_baselines(index, "abc"[:classes], rule)
    assert result is not None
    frame = result.predictions
    scores = [f"score_{i}" for i in range(classes) if classes > 2]
    assert set(frame) == {
        *("baseline", "split", "row", "path", "patient", "label", "score", "predicted"),
        *scores,
    }
    assert frame["baseline"].drop_duplicates().tolist() == list(BASELINES)
    tested = index[index["split"] == "test"]
    for name, part in frame.groupby("baseline"):
        assert part["row"].tolist() == tested.index.tolist()
        assert part["path"].tolist() == tested["path"].tolist()
        values = result.table.set_index("baseline").loc[name]
        recall = recall_score(part["label"], part["predicted"], average=None, zero_division=0)
        assert values["balanced_accuracy"] == pytest.approx(recall.mean())
        if classes > 2:
            assert part[scores].sum(axis=1).to_numpy() == pytest.approx(1)
            assert (part["score"] == part[scores].max(axis=1)).all()
    assert result.metrics["baseline/colour_statistics/auroc"] > 0.8
    assert result.metrics["baseline/class_prior/auroc"] == 0.5
