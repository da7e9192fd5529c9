"""Which answers are to cases that were drawn at random."""

import pandas as pd
import pytest

from idc.reader_study.sampling import RANDOM, SELECTED, sampling_of

TEST = pd.DataFrame({"path": list("abc"), "split": ["test", "test", "val"]})


@pytest.mark.parametrize(
    ("order", "select", "drawn"),
    [
        ("random", "all", RANDOM),
        ("random", "errors", SELECTED),
        ("suspects", "all", SELECTED),
        ("", "", SELECTED),  # of an earlier version, which did not record it
    ],
)
def test_order_and_selection_decide(order: str, select: str, drawn: str) -> None:
    answers = pd.DataFrame({"reader": ["Ann"], "case": "a", "order": order, "select": select})
    assert sampling_of(answers, TEST).tolist() == [drawn]


def test_the_whole_test_split_is_no_selection_in_whatever_order() -> None:
    answers = pd.DataFrame(
        {
            "reader": ["Ann", "Ann", "Ann", "Bo"],
            "case": ["a", "b", "c", "a"],
            "order": "suspects",
            "select": "all",
        }
    )
    # c is no patch of the test split, and Bo has answered one of its two.
    assert sampling_of(answers, TEST).tolist() == [RANDOM, RANDOM, SELECTED, SELECTED]
    assert set(sampling_of(answers, TEST[["path"]])) == {SELECTED}
