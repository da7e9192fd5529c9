"""Suspect labels: whom the readers contradict, and whom the model does before any review."""

import numpy as np
import pandas as pd
import pytest

from idc.reader_study.answer import Answer, ReviewError, as_frame, counted_answers
from idc.reader_study.suspects import model_suspects, reader_suspects


def verdicts_on(case: str, *verdicts: int, remark: str = "") -> list[Answer]:
    time = "2026-01-02T03:04:05+00:00"
    return [
        Answer(f"R{i}", case, v, "", "", remark if i == 0 else "", False, 1.0, time, "blinded")
        for i, v in enumerate(verdicts)
    ]


def data(labels: list[int], scores: list[float], split: str = "test") -> pd.DataFrame:
    names = [chr(ord("a") + i) for i in range(len(labels))]
    table = pd.DataFrame({"path": names, "label": labels, "score": scores, "split": split})
    predicted = (table["score"] >= 0.5).astype(np.int64)
    return table.assign(patient="p", x=0, y=0, predicted=predicted)


def test_readers_against_the_label_by_their_number_then_by_the_model() -> None:
    predictions = data([0, 0, 0, 1, 0, 0, 1], [0.9, 0.2, 0.95, 0.1, 0.9, 0.9, 0.9])
    answers = [
        *verdicts_on("a", 1, 1, 0),  # two against one
        *verdicts_on("b", 1, 1, 1, remark="clearly"),  # three against none, the model says no
        *verdicts_on("c", 1, 1),  # two against none
        *verdicts_on("d", 0, 0),  # the same, a little less sure
        *verdicts_on("e", 1, 0),  # level
        *verdicts_on("f", -1, -1, 1),  # one who is sure
        *verdicts_on("g", 1, 1),  # as the label
    ]
    table = reader_suspects(as_frame(counted_answers(answers)), predictions)
    assert table["path"].tolist() == ["b", "c", "d", "a", "f"]
    assert table["rank"].tolist() == [1, 2, 3, 4, 5]
    first = table.iloc[0]
    assert (first["label"], first["readers_say"], first["against"]) == (0, 1, 3)
    assert (first["model_agrees"], first["remarks"]) == (False, "clearly")
    assert first["model_confidence"] == pytest.approx(0.2)
    by_path = table.set_index("path")
    assert by_path.loc["a", ["against", "for_label", "margin"]].tolist() == [2, 1, 1]
    assert by_path.loc["d", "model_confidence"] == pytest.approx(0.9)
    assert by_path.loc["f", "unsure"] == 2
    assert reader_suspects(as_frame([]), predictions).empty
    with pytest.raises(ReviewError, match="another run"):
        reader_suspects(as_frame(counted_answers(verdicts_on("z", 0))), predictions)


def test_confident_learning_by_hand() -> None:
    """Mean score of the negatives is 0.3 for class 0's 0.7; of the positives 0.6."""
    labels, scores = [0, 0, 0, 1, 1, 1], [0.1, 0.1, 0.7, 0.9, 0.7, 0.2]
    table = model_suspects(data(labels, scores))
    assert table["path"].tolist() == ["f", "c"]
    assert table["suggested"].tolist() == [0, 1]
    assert table["threshold"].tolist() == pytest.approx([0.7, 0.6])
    assert table["probability"].tolist() == pytest.approx([0.8, 0.7])
    assert table["margin"].tolist() == pytest.approx([0.6, 0.4])
    assert table["rank"].tolist() == [1, 2]


def test_only_patches_that_were_not_trained_on_are_suspected() -> None:
    labels, scores = [0, 0, 0, 1, 1, 1], [0.1, 0.1, 0.7, 0.9, 0.7, 0.2]
    trained = data(labels, scores, "train").assign(path=list("uvwxyz"))
    val = data(labels, scores, "val")
    both = pd.concat([val, trained], ignore_index=True)
    pd.testing.assert_frame_equal(model_suspects(both), model_suspects(val))
    assert model_suspects(trained).empty


def test_more_classes_and_a_class_without_patches() -> None:
    scores = np.array([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.1, 0.85, 0.05]])
    frame = data([0, 0, 1, 0], scores.max(axis=1).tolist())
    for k in range(3):
        frame[f"score_{k}"] = scores[:, k]
    table = model_suspects(frame, classes=3)
    assert table["path"].tolist() == ["d"]
    assert table["suggested"].tolist() == [1]
    with pytest.raises(ReviewError, match="score_0"):
        model_suspects(data([0, 1], [0.1, 0.9]), classes=3)


def test_what_is_found_was_swapped() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 400)
    scores = np.clip(0.15 + 0.7 * truth + rng.normal(0, 0.12, 400), 0, 1)
    swapped = rng.choice(400, 20, replace=False)
    label = truth.copy()
    label[swapped] = 1 - label[swapped]
    frame = data([0] * 400, scores.tolist()).assign(label=label, path=np.arange(400).astype(str))
    flagged = set(model_suspects(frame)["path"].astype(int))
    assert flagged <= set(swapped.tolist())
    assert len(flagged) >= 10
