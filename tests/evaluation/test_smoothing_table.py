"""Metrics with and without smoothing, on the same draws and patient by patient."""

import numpy as np
import pandas as pd
import pytest
from finished_runs import predictions
from sklearn.metrics import roc_auc_score

from idc.evaluation.smoothing_table import is_smoothed, smoothed_view, smoothing_table


def smoothed(better: float) -> pd.DataFrame:
    """Predictions of four patients; smoothing shifts the scores towards the label."""
    frame = predictions()
    score = np.clip(frame["score"] + better * (frame["label"] - 0.5), 0, 1)
    return frame.assign(score_smoothed=score, predicted_smoothed=(score >= 0.5).astype(int))


def test_only_complete_smoothed_scores_count() -> None:
    frame = smoothed(0.5)
    assert is_smoothed(frame)
    assert not is_smoothed(frame.drop(columns="score_smoothed"))
    assert not is_smoothed(frame.assign(score_smoothed=[np.nan, *frame["score_smoothed"][1:]]))


def test_the_view_has_the_smoothed_scores_and_decisions() -> None:
    frame = smoothed(0.5)
    view = smoothed_view(frame, 2)
    assert view["score"].tolist() == frame["score_smoothed"].tolist()
    assert view["predicted"].tolist() == frame["predicted_smoothed"].tolist()
    more = frame.assign(**{f"score{end}_{i}": i for i in range(3) for end in ("", "_smoothed")})
    more["score_smoothed_2"] = 9
    assert (smoothed_view(more, 3)["score_2"] == 9).all()


@pytest.mark.parametrize(("better", "sign"), [(0.6, 1), (-0.6, -1)])
def test_a_change_has_its_interval_and_its_patients(better: float, sign: int) -> None:
    frame = smoothed(better)
    table = smoothing_table(frame, 2, 200, 0.9).set_index("metric")
    auroc = table.loc["auroc"]
    assert auroc["plain"] == pytest.approx(roc_auc_score(frame["label"], frame["score"]))
    assert sign * auroc["difference"] > 0
    assert auroc["low"] <= auroc["difference"] <= auroc["high"]
    assert auroc["smoothed_low"] <= auroc["smoothed"] <= auroc["smoothed_high"]
    changed = [int(table.loc["f1", f"patients_{word}"]) for word in ("higher", "lower")]
    assert changed[::-sign][0] == 0 and sum(changed) > 0


def test_without_draws_there_are_no_intervals() -> None:
    table = smoothing_table(smoothed(0.5), 2, 0, 0.95)
    assert table[["plain", "smoothed", "difference"]].notna().all(axis=None)
    assert table[["low", "high", "smoothed_low", "smoothed_high"]].isna().all(axis=None)
