"""Smoothing is chosen on validation, calibrated anew, and measured beside the plain scores."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from idc.errors import DataError
from idc.evaluation.decision import load_decider
from idc.evaluation.postprocess import SmoothingRule, decide_split, fit_decision
from idc.evaluation.predictions import decide, with_probabilities
from idc.evaluation.smoothing_table import smoothed_view
from idc.evaluation.test_metrics import metrics_of, take_numbers

Config = dict[str, Any]
Compose = Callable[..., Config]
SIZE, SIDE = 50, 14
NAMES = ("a", "b", "c")


def split(seed: int, classes: int = 2, name: str = "val") -> pd.DataFrame:
    """Three slides with regions of each class, and a network that sees each patch through noise."""
    rng = np.random.default_rng(seed)
    row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)
    parts = []
    for patient in ("a", "b", "c"):
        label = ((row // 7 + column // (7 if classes == 2 else 5)) % classes).astype(np.int64)
        logits = 1.2 * np.eye(classes)[label] + rng.normal(size=(len(label), classes))
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        facts = {"path": [f"{patient}{i}" for i in range(len(label))], "split": name}
        frame = pd.DataFrame({"patient": patient, "x": SIZE * column, "y": SIZE * row, **facts})
        parts.append(with_probabilities(frame.assign(label=label), shares, "score_raw"))
    return pd.concat(parts, ignore_index=True).assign(row=lambda t: np.arange(len(t)))


@pytest.mark.parametrize("method", ["median", "mean", "crf"])
@pytest.mark.parametrize("classes", [2, 3])
def test_neighbours_help_where_classes_form_regions(
    compose: Compose, tmp_path: Path, method: str, classes: int
) -> None:
    config = compose(f"postprocess={method}", "intervals.draws=50")
    decider = fit_decision(split(0, classes), NAMES[:classes], config)
    assert decider.smoothed is not None
    # The plain decision is what it is without smoothing.
    plain = fit_decision(split(0, classes), NAMES[:classes], compose())
    assert replace(decider, smoother=None, smoothed=None) == plain
    decider.save(tmp_path)
    assert load_decider(tmp_path / "decision.json") == decider

    frame = split(1, classes, "test")
    test = decide_split(frame, decider, classes, SIZE)
    pd.testing.assert_frame_equal(test[decide(frame, plain, classes).columns],
                                  decide(frame, plain, classes))  # fmt: skip
    assert test["neighbours"].min() >= 3
    numbers = take_numbers(test, frame, classes, config, decider, class_names=NAMES[:classes])
    metrics, table = numbers.metrics, numbers.smoothing.set_index("metric")
    assert metrics["test/auroc_smoothed"] > metrics["test/auroc"] + 0.03
    assert metrics["test/f1_smoothed"] > metrics["test/f1"]
    view = metrics_of(smoothed_view(test, classes), classes)
    for name, row in table.iterrows():
        assert row["plain"] == pytest.approx(metrics[f"test/{name}"])
        assert row["smoothed"] == pytest.approx(view[str(name)])
        assert metrics[f"test/{name}_smoothed"] == row["smoothed"]
        assert row["low"] <= row["difference"] <= row["high"]
    assert table.loc["f1", "patients_higher"] == 3
    assert any(decider.smoother.describe() in note for note in numbers.notes)  # type: ignore[union-attr]


def test_the_best_of_the_candidates_on_validation_is_taken(compose: Compose) -> None:
    config = compose("postprocess=mean", "postprocess.weights=[0.01,1]")
    decider = fit_decision(split(0), NAMES[:2], config)
    assert decider.smoother is not None
    assert decider.smoother.weight == 1
    val = decide_split(split(0), decider, 2, SIZE)
    assert roc_auc_score(val["label"], val["score_smoothed"]) > roc_auc_score(
        val["label"], val["score"]
    )


def test_data_without_positions_or_neighbours_are_refused_and_few_neighbours_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rule = SmoothingRule("mean")
    index = pd.concat([split(0), split(1, name="test")], ignore_index=True)
    SmoothingRule("none").check(index.drop(columns=["x", "y"]), SIZE)
    with pytest.raises(DataError, match=r"postprocess=mean.*no positions.*postprocess=none"):
        rule.check(index.drop(columns=["x", "y"]), SIZE)
    rule.check(index, SIZE)
    assert not caplog.records
    # A random split leaves few neighbours in the split: here every third row and column.
    thin = index[(index["x"] // SIZE % 3 == 0) & (index["y"] // SIZE % 3 == 0)]
    with pytest.raises(DataError, match=r"no patch of the val split has a neighbour"):
        rule.check(thin, SIZE)
    rule.check(pd.concat([thin, index.iloc[1:2], index.iloc[-2:-1]]), SIZE)
    assert [r.levelname for r in caplog.records] == ["WARNING", "WARNING"]
