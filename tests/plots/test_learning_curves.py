"""Learning curves of any number of epochs."""

from collections.abc import Callable

import pandas as pd
import pytest
from matplotlib.figure import Figure

from idc.plots.learning_curves import learning_figure

Words = Callable[[Figure], str]


@pytest.mark.parametrize("epochs", [1, 30])
def test_learning_curves(epochs: int, words: Words) -> None:
    rows = [
        (epoch, stage, metric, 0.5)
        for epoch in range(1, epochs + 1)
        for stage in ("train", "val")
        for metric in ("loss", "f1", "recall", "precision", "accuracy")
    ]
    history = pd.DataFrame(rows, columns=["epoch", "stage", "metric", "value"])
    figure = learning_figure(history, best_epoch=1, monitor="val/f1")
    written = words(figure)
    assert "best val/f1 in epoch 1" in written
    assert {a.get_ylabel() for a in figure.axes if a.get_visible()} == {
        "loss",
        "F1",
        "recall",
        "precision",
        "accuracy",
    }
    drawn = figure.axes[0].lines[0].get_xdata()
    assert list(drawn) == list(range(1, epochs + 1))
    ticks = [t for a in figure.axes if a.get_visible() for t in a.get_xticks()]
    assert all(float(t).is_integer() for t in ticks)  # there is no epoch 1.5
