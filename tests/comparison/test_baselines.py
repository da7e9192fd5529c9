"""Baselines learn from the training split only, and give probabilities."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from idc.errors import DataError
from idc.evaluation.baseline_models import BASELINES, FEATURES, baseline_predictions, fit_baselines


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
    result = fit_baselines(patches(labels), k).predict(patches([0, 1, 2], seed=1))
    assert tuple(result) == BASELINES
    for scores in result.values():
        assert scores.shape == (3, k)
        assert scores.min() >= 0
        assert scores.sum(1) == pytest.approx(1)
        assert scores[:, 4:].sum() == 0  # a class that training did not know


def test_guesses_come_from_the_training_labels_alone() -> None:
    train, test = patches([0] * 30 + [1] * 10), patches([1] * 8)
    result = fit_baselines(train, 2).predict(test)
    assert (result["majority class"] == [1, 0]).all()
    assert (result["class prior"] == [0.75, 0.25]).all()
    tie = fit_baselines(patches([1, 0]), 2).predict(test)
    assert (tie["majority class"] == [1, 0]).all()


def test_the_colour_model_finds_colour_and_is_the_same_each_time() -> None:
    labels = np.random.default_rng(1).integers(0, 2, 200).tolist()
    train, test = patches(labels), patches(labels, seed=2)
    one, two = (fit_baselines(train, 2).predict(test)["colour statistics"] for _ in range(2))
    assert (one == two).all()
    assert roc_auc_score(labels, one[:, 1]) > 0.9
    # Scores of a fit on all patches alike are probabilities: their mean is the share.
    assert fit_baselines(train, 2).predict(train)["colour statistics"][:, 1].mean() == (
        pytest.approx(np.mean(labels), abs=0.01)
    )
    blind = test.assign(mean_r=120.0)
    assert roc_auc_score(
        labels, fit_baselines(train, 2).predict(blind)["colour statistics"][:, 1]
    ) < (0.7)


def test_one_class_in_training_is_always_predicted() -> None:
    result = fit_baselines(patches([1, 1, 1]), 2).predict(patches([0, 1]))
    assert (result["colour statistics"] == [0, 1]).all()


def test_rare_classes_count_alike_for_more_than_two() -> None:
    labels = [0] * 300 + [1] * 20 + [2] * 20
    train = patches(labels, effect=8.0)
    scores = fit_baselines(train, 3).predict(train)["colour statistics"]
    called = scores.argmax(1)
    recall = [(called[np.array(labels) == c] == c).mean() for c in range(3)]
    assert recall[2] > 0.6


def test_what_was_not_measured_is_left_out() -> None:
    train, test = patches([0, 1] * 20), patches([0, 1])
    few = ["mean_r", "label", "patient", "path"]
    result = fit_baselines(train[few], 2).predict(test)
    assert result["colour statistics"][1, 1] > result["colour statistics"][0, 1]
    assert tuple(fit_baselines(train[["label"]], 2).predict(test)) == BASELINES[:2]
    with pytest.raises(DataError, match=r"std_r.* missing here"):
        fit_baselines(train, 2).predict(test[few])


def test_bad_input_is_named() -> None:
    train = patches([0, 1, 1])
    with pytest.raises(DataError, match="no patches"):
        fit_baselines(train[:0], 2)
    with pytest.raises(DataError, match="0 to 1"):
        fit_baselines(patches([0, 2]), 2)
    train.loc[1, "ink"] = np.nan
    with pytest.raises(DataError, match="ink is not a number in 1 of 3 rows"):
        fit_baselines(train, 2)


def test_the_tidy_frame_of_two_classes() -> None:
    train, val, test = patches([0, 0, 1] * 4), patches([0, 1], 1), patches([1, 1, 0], 2)
    frame = baseline_predictions(train, val, test)
    assert frame.columns.tolist() == [
        *["baseline", "split", "row", "path", "patient", "label", "score"]
    ]
    assert frame["baseline"].drop_duplicates().tolist() == list(BASELINES)
    part = frame[frame["baseline"] == "class prior"]
    assert part["split"].tolist() == ["val"] * 2 + ["test"] * 3
    assert part["path"].tolist() == [*val["path"], *test["path"]]
    assert part["label"].tolist() == [0, 1, 1, 1, 0]
    assert part["score"].tolist() == pytest.approx([1 / 3] * 5)
    assert frame["row"].dtype == frame["label"].dtype == np.int64
    assert not frame.isna().any(axis=None)


def test_the_frame_keeps_the_rows_of_the_index() -> None:
    whole = patches([0, 1] * 10)
    splits = whole[:12], whole[12:15], whole[15:]
    frame = baseline_predictions(*splits)
    assert frame[frame["baseline"] == "class prior"]["row"].tolist() == list(range(12, 20))
    named = baseline_predictions(*(split.assign(row=7) for split in splits))
    assert set(named["row"]) == {7}


def test_the_tidy_frame_of_three_classes() -> None:
    train, val, test = patches([0, 0, 1] * 4), patches([0, 2], 1), patches([1], 2)
    frame = baseline_predictions(train, val, test)
    scores = frame[["score_0", "score_1", "score_2"]].to_numpy()
    assert scores.sum(1) == pytest.approx(1)
    assert frame["score"].to_numpy() == pytest.approx(scores.max(1))
    assert "score_3" in baseline_predictions(train, val, test, classes=4)
