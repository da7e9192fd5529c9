"""One class of several as the positive one of two."""

import numpy as np
import pandas as pd
import pytest

from idc.evaluation.against_rest import against_rest


@pytest.mark.parametrize("number", [0, 1, 2])
def test_one_class_against_the_rest(number: int) -> None:
    scores = np.random.default_rng(0).dirichlet(np.ones(3), 20)
    labels = np.arange(20) % 3
    frame = pd.DataFrame({f"score_{i}": scores[:, i] for i in range(3)})
    frame = frame.assign(label=labels, predicted=scores.argmax(1), loss=0.0)
    one = against_rest(frame, number)
    assert one["label"].tolist() == (labels == number).astype(int).tolist()
    assert one["predicted"].tolist() == (scores.argmax(1) == number).astype(int).tolist()
    assert one["score"].tolist() == scores[:, number].tolist()
    right = np.where(labels == number, scores[:, number], 1 - scores[:, number])
    assert one["loss"].to_numpy() == pytest.approx(-np.log(right))
