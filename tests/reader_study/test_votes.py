"""Votes on cases, their majority, and the predictions that they are held against."""

from dataclasses import replace

import pandas as pd
import pytest
from answer_cases import ANN

from idc.reader_study.answer import ReviewError, as_frame, counted_answers
from idc.reader_study.votes import NONE, count_votes, distinct, predictions_of, reader_names


def answers(**verdicts: list[int]) -> pd.DataFrame:
    """Verdicts of readers 0, 1, ... on cases by name."""
    history = [
        replace(ANN, reader=str(number), case=case, verdict=verdict)
        for case, given in verdicts.items()
        for number, verdict in enumerate(given)
    ]
    return as_frame(counted_answers(history))


def test_votes_and_majorities_by_hand() -> None:
    table = count_votes(answers(b=[1, 1, 0, -1], a=[0, 1], c=[-1], d=[2, 2, 2]), 3)
    assert table.index.tolist() == list("bacd")  # in the order of first answers
    assert table[["votes_0", "votes_1", "votes_2"]].to_numpy().tolist() == [
        *([1, 2, 0], [1, 1, 0], [0, 0, 0], [0, 0, 3])
    ]
    assert table["unsure"].tolist() == [1, 0, 1, 0]
    assert table["readers"].tolist() == [4, 2, 1, 3]
    assert table["majority"].tolist() == [1, NONE, NONE, 2]
    assert table["votes"].tolist() == [2, 0, 0, 3]
    assert count_votes(as_frame([]), 2).empty
    with pytest.raises(ReviewError, match="verdict 2"):
        count_votes(answers(d=[2]), 2)


def test_predictions_are_looked_up_in_the_order_of_the_cases() -> None:
    predictions = pd.DataFrame({"path": list("abc"), "label": [0, 1, 0]})
    assert predictions_of(predictions, ["c", "b"])["label"].tolist() == [0, 1]
    with pytest.raises(ReviewError, match=r"1 answered case.*such as z"):
        predictions_of(predictions, ["a", "z"])
    with pytest.raises(ReviewError, match="a is duplicated"):
        predictions_of(predictions.assign(path="a"), ["a"])


def test_readers_are_sorted_and_none_is_called_as_the_model() -> None:
    frame = pd.DataFrame({"reader": ["bo", "Cy", "Ann", "bo"]})
    assert reader_names(frame) == ["Ann", "bo", "Cy"]
    shown = distinct(["Ann", "model", "model (reader)"])
    assert shown["Ann"] == "Ann"
    assert len({*shown.values(), "model", "label", "majority"}) == 6
