"""From the labels of a set to its classes: which is positive, and what cannot be."""

import pandas as pd
import pytest

from idc.data.sources.class_codes import order_classes, split_labels
from idc.errors import ConfigError, DataError


@pytest.mark.parametrize(
    ("labels", "positive", "words"),
    [
        (("a", "b"), (), r"name the positive class: a or b"),
        (("a", "b"), ("c",), "data.positive=c: the data have no such class. There are: a, b"),
        (("a", "b", "c"), ("a", "d"), "data.positive=d"),
        (("a", "b", "c"), ("a", "b", "c"), "no negative one is left"),
    ],
)
def test_a_positive_class_that_does_not_fit(labels, positive, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        order_classes(labels, positive)


def test_one_class_is_no_classification() -> None:
    with pytest.raises(DataError, match="only the class a"):
        order_classes(("a",))


def test_of_several_labels_one_positive_one_suffices() -> None:
    classes = order_classes(("a", "b", "c"), ("a", "c"), joined=True)
    labels = pd.Series(["a|b", "b", "", "c", "b| a "])
    table = classes.numbered(pd.DataFrame({"label": labels}), "|")
    assert table["label"].tolist() == [1, 0, 0, 1, 1]
    assert split_labels(" a | |b", "|") == ["a", "b"]
