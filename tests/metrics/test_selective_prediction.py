"""Risk and coverage by brute force, and numbers that no order can beat."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit
from sklearn import metrics as sk

from idc.metrics.selective_prediction import (
    confidence,
    risk_coverage,
    selective_metrics,
)

rows = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 5)), min_size=1, max_size=25
)


def columns(rows: list[tuple[int, int, int]]) -> tuple[np.ndarray, ...]:
    label, predicted, sure = (np.array(c) for c in zip(*rows, strict=True))
    return label, predicted, sure / 5


def margin(score: np.ndarray, threshold: float) -> np.ndarray:
    return confidence(pd.DataFrame({"score": score}), 2, threshold)


@settings(max_examples=30, deadline=None)
@given(rows)
def test_each_row_is_the_metrics_of_the_patches_kept(rows: list[tuple[int, int, int]]) -> None:
    label, predicted, sure = columns(rows)
    table = risk_coverage(label, predicted, sure, 2)
    assert table["threshold"].tolist() == sorted(set(sure), reverse=True)
    for row in table.to_dict("records"):
        kept = sure >= row["threshold"]
        y, called = label[kept], predicted[kept]
        assert row["coverage"] == pytest.approx(kept.mean())
        assert row["risk"] == pytest.approx((y != called).mean())
        positives = (y == 1).any()
        expected = {
            "recall": sk.recall_score(y, called) if positives else np.nan,
            "precision": sk.precision_score(y, called, zero_division=0) if positives else np.nan,
            "f1": sk.f1_score(y, called) if positives else np.nan,
            "specificity": sk.recall_score(y, called, pos_label=0) if (y == 0).any() else np.nan,
        }
        for name, value in expected.items():
            assert row[name] == pytest.approx(value, nan_ok=True), name
    assert table["coverage"].iloc[-1] == 1


@settings(max_examples=20, deadline=None)
@given(rows, st.integers(0, 1000))
def test_the_area_is_the_mean_over_orders_of_equals(
    rows: list[tuple[int, int, int]], seed: int
) -> None:
    label, predicted, sure = columns(rows)
    rng, wrong = np.random.default_rng(seed), label != predicted
    steps = np.arange(1, len(wrong) + 1)

    def brute(by: np.ndarray) -> float:
        return float((np.cumsum(wrong[by]) / steps).mean())

    result = selective_metrics(label, predicted, sure, 2)
    perfect = brute(np.argsort(wrong, kind="stable"))
    assert result["aurc"] - result["e_aurc"] == pytest.approx(perfect)
    assert result["e_aurc"] >= 0
    orders = [np.lexsort((rng.random(len(sure)), -sure)) for _ in range(400)]
    assert result["aurc"] == pytest.approx(np.mean([brute(o) for o in orders]), abs=0.06)
    if len(set(sure)) == len(sure):
        assert result["aurc"] == pytest.approx(brute(np.argsort(-sure)))


def test_errors_among_equals_are_expected_half_way() -> None:
    result = selective_metrics(np.array([1, 0]), np.array([1, 1]), np.array([0.5, 0.5]), 2)
    # Either order: (0 + 1/2) / 2 or (1 + 1/2) / 2.
    assert result["aurc"] == pytest.approx(0.5)
    assert result["e_aurc"] == pytest.approx(0.25)


def test_targets_are_met_at_the_largest_coverage_that_meets_them() -> None:
    label = np.array([1] * 8 + [0] * 12)
    predicted = label.copy()
    predicted[[0, 8]] = 1 - predicted[[0, 8]]  # a miss and a false alarm
    sure = np.linspace(1, 0.05, 20)
    sure[0], sure[8] = 0.01, 0.02  # the least certain of all
    result = selective_metrics(label, predicted, sure, 2)
    assert result["coverage_at_recall_0.99"] == pytest.approx(19 / 20)
    assert result["coverage_at_error_0.05"] == pytest.approx(18 / 20)
    assert result["risk_at_coverage_0.8"] == 0
    assert result["recall_at_coverage_0.8"] == 1
    assert result["e_aurc"] == pytest.approx(0)
    backwards = selective_metrics(label, predicted, -sure, 2)
    assert backwards["coverage_at_error_0.05"] == 0
    assert backwards["coverage_at_recall_0.99"] == 0
    assert backwards["e_aurc"] > result["e_aurc"]


def test_ties_move_past_the_target_coverage() -> None:
    label, predicted = np.array([1, 1, 1, 0]), np.array([1, 1, 0, 0])
    result = selective_metrics(label, predicted, np.array([0.9, 0.1, 0.1, 0.1]), 2)
    assert result["risk_at_coverage_0.8"] == 0.25
    assert result["recall_at_coverage_0.8"] == pytest.approx(2 / 3)


def test_without_positives_there_is_no_recall() -> None:
    result = selective_metrics(np.zeros(5, int), np.zeros(5, int), np.arange(5.0), 2)
    assert set(result) == {"aurc", "e_aurc", "coverage_at_error_0.05", "risk_at_coverage_0.8"}
    assert result["coverage_at_error_0.05"] == 1
    assert selective_metrics(np.zeros(0, int), np.zeros(0, int), np.zeros(0), 2) == {}
    assert len(risk_coverage(np.zeros(0, int), np.zeros(0, int), np.zeros(0), 2)) == 0


def test_more_classes_have_risk_alone() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(4), 300)
    label = np.array([rng.choice(4, p=row) for row in p])
    sure = p.max(1)
    table = risk_coverage(label, p.argmax(1), sure, 4)
    assert table.columns.tolist() == ["coverage", "risk", "threshold"]
    result = selective_metrics(label, p.argmax(1), sure, 4)
    assert "coverage_at_recall_0.99" not in result
    by_chance = selective_metrics(label, p.argmax(1), rng.random(300), 4)
    assert result["aurc"] < by_chance["aurc"]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=20, unique=True), st.floats(0.001, 0.999))
def test_patches_nearest_the_threshold_go_first(scores: list[float], threshold: float) -> None:
    score = np.sort(np.array([*scores, threshold]))
    sure = margin(score, threshold)
    assert sure[score == threshold].max() == 0
    assert (np.diff(sure[score >= threshold]) >= 0).all()
    assert (np.diff(sure[score <= threshold]) <= 0).all()
    assert np.isfinite(sure).all()


def test_at_one_half_the_margin_orders_as_the_probability_does() -> None:
    score = np.random.default_rng(0).random(200)
    distance = margin(score, 0.5)
    probability = np.maximum(score, 1 - score)
    assert (np.argsort(distance) == np.argsort(probability)).all()
    # Odds of 1 : 9 and 9 : 1 are equally far from even ones; from 1 : 9, certainty either way.
    assert margin(np.array([0.1, 0.9]), 0.5).tolist() == pytest.approx([2.1972246] * 2)
    assert np.isfinite(margin(np.array([0.0, 1.0]), 0.0)).all()


def test_confidence_is_of_the_threshold_that_made_the_decisions() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"score": rng.random(400), "fold": np.repeat(["0", "1"], 200)})
    cuts = np.repeat([0.3, 0.8], 200)
    frame["predicted"] = (frame["score"] >= cuts).astype(int)
    pooled, reference = confidence(frame, 2), np.abs(logit(frame["score"].to_numpy()) - logit(cuts))
    for fold in ("0", "1"):
        part = frame["fold"] == fold
        one_threshold = confidence(frame[part], 2, cuts[part][0])
        assert one_threshold == pytest.approx(reference[part])
        assert confidence(frame[part].drop(columns="fold"), 2) == pytest.approx(pooled[part])
    assert pooled == pytest.approx(reference, abs=0.05)
    assert confidence(frame, 3).tolist() == frame["score"].tolist()
    all_negative = pd.DataFrame({"score": [0.1, 0.2], "predicted": [0, 0]})
    assert (np.diff(confidence(all_negative, 2)) < 0).all()
    assert len(confidence(frame.head(0), 2)) == 0
