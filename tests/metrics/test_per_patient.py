"""Metrics per patient agree with scikit-learn; the worst patient, and agreement of the burden."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from idc.metrics.collection import build_metrics
from idc.metrics.definitions import METRIC_NAMES
from idc.metrics.per_patient import MIN_PATCHES, burden_summary, per_patient_table, worst_patient


def predictions(
    patient: list[str], label: list[int], score: list[float], threshold: float = 0.5
) -> pd.DataFrame:
    score = np.asarray(score, float)
    return pd.DataFrame(
        {
            "patient": patient,
            "label": np.asarray(label, np.int64),
            "score": score,
            "predicted": (score >= threshold).astype(np.int64),
        }
    )


def expected_row(part: pd.DataFrame, called: np.ndarray) -> dict[str, float]:
    """The same by scikit-learn, one patient at a time."""
    y = part["label"].to_numpy()
    has, lacks = (y == 1).any(), (y == 0).any()
    nan = float("nan")
    return {
        "accuracy": sk.accuracy_score(y, called),
        "balanced_accuracy": sk.balanced_accuracy_score(y, called) if has and lacks else nan,
        "precision": sk.precision_score(y, called, zero_division=0) if has else nan,
        "recall": sk.recall_score(y, called) if has else nan,
        "specificity": sk.recall_score(y, called, pos_label=0) if lacks else nan,
        "f1": sk.f1_score(y, called) if has else nan,
    }


patches = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 1), st.integers(0, 8)),
    min_size=1,
    max_size=40,
)


@settings(max_examples=25, deadline=None)
@given(patches, st.integers(0, 9))
def test_each_patient_agrees_with_scikit_learn(rows: list[tuple[str, int, int]], cut: int) -> None:
    patient, label, eighths = zip(*rows, strict=True)
    frame = predictions(list(patient), list(label), [e / 8 for e in eighths], cut / 8)
    table = per_patient_table(frame, 2).set_index("patient")
    assert sorted(table.index) == sorted(set(patient))
    for name, part in frame.groupby("patient"):
        row, y, score = table.loc[name], part["label"], part["score"]
        expected = expected_row(part, part["predicted"].to_numpy())
        at_half = expected_row(part, (score >= 0.5).to_numpy().astype(int))
        expected |= {f"{metric}_at_0.5": value for metric, value in at_half.items()}
        both = y.nunique() == 2
        expected["auroc"] = sk.roc_auc_score(y, score) if both else np.nan
        expected["average_precision"] = sk.average_precision_score(y, score) if both else np.nan
        expected |= {
            "patches": len(part),
            "positive": y.mean(),
            "tp": int((y & part["predicted"]).sum()),
            "fraction_true": y.mean(),
            "fraction_predicted": part["predicted"].mean(),
            "fraction_expected": score.mean(),
            "burden_error": part["predicted"].mean() - y.mean(),
        }
        for metric, value in expected.items():
            assert row[metric] == pytest.approx(value, abs=1e-12, nan_ok=True), metric
        assert row[["tp", "fp", "fn", "tn"]].sum() == len(part)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.integers(0, 2)),
        min_size=1,
        max_size=30,
    )
)
def test_three_classes_agree_with_scikit_learn(rows: list[tuple[str, int, int]]) -> None:
    patient, label, predicted = (np.array(c) for c in zip(*rows, strict=True))
    raw = np.random.default_rng(0).random((len(rows), 3)).round(1) + 0.1
    raw[np.arange(len(rows)), predicted] += 2
    scores = raw / raw.sum(1, keepdims=True)
    frame = pd.DataFrame({"patient": patient, "label": label, "predicted": predicted})
    frame[["score_0", "score_1", "score_2"]] = scores
    table = per_patient_table(frame, 3).set_index("patient")
    assert "fraction_true" not in table
    assert burden_summary(table) == {}
    for name, part in frame.groupby("patient"):
        y, called, row = part["label"], part["predicted"], table.loc[name]
        assert row["accuracy"] == pytest.approx(sk.accuracy_score(y, called))
        assert row["positive"] == pytest.approx((y > 0).mean())
        for metric in ("precision", "recall", "f1"):
            score = getattr(sk, f"{metric}_score")(y, called, average="macro", zero_division=0)
            assert row[metric] == pytest.approx(score), metric
        p = part[["score_0", "score_1", "score_2"]].to_numpy()
        if y.nunique() == 3:
            assert row["auroc"] == pytest.approx(sk.roc_auc_score(y, p, multi_class="ovr"))
            ap = sk.average_precision_score(np.eye(3)[y], p, average="macro")
            assert row["average_precision"] == pytest.approx(ap)
        else:
            assert np.isnan(row["auroc"])


@pytest.mark.parametrize("classes", [2, 3])
def test_a_patient_with_all_classes_has_the_metrics_of_the_collection(classes: int) -> None:
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.ones(classes), 80)
    label = rng.integers(0, classes, 80)
    frame = pd.DataFrame({"patient": "a", "label": label, "predicted": p.argmax(1)})
    frame[[f"score_{i}" for i in range(classes)]] = p
    frame["score"] = p[:, 1] if classes == 2 else p.max(1)
    collection = build_metrics(classes)
    collection.update(torch.tensor(p[:, 1] if classes == 2 else p), torch.tensor(label))
    row = per_patient_table(frame, classes).iloc[0]
    for name, value in collection.compute().items():
        assert row[name] == pytest.approx(float(value), abs=1e-6), name
    assert set(METRIC_NAMES) <= set(row.index)


def test_worst_come_first_ties_by_f1_then_name_and_unknown_last() -> None:
    frame = predictions(
        ["z", "z", "y", "y", "x", "x", "w", "v", "v", "v"],
        [1, 0, 1, 0, 1, 0, 0, 1, 1, 0],
        # z and y: recall 1, f1 1; x: recall 1, f1 2/3; w has no positives; v: recall 1/2
        [0.9, 0.1, 0.9, 0.1, 0.9, 0.9, 0.1, 0.9, 0.1, 0.1],
    )
    table = per_patient_table(frame, 2)
    assert table["patient"].tolist() == ["v", "x", "y", "z", "w"]
    assert np.isnan(table["recall"].iloc[-1])


def burden_table(true: list[float], predicted: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "fraction_true": true,
            "fraction_predicted": predicted,
            "fraction_expected": predicted,
            "burden_error": np.subtract(predicted, true),
            "patches": 100,
        }
    )


def test_the_burden_is_summed_up_as_bland_and_altman_do() -> None:
    true, predicted = [0.1, 0.2, 0.4, 0.8], [0.2, 0.2, 0.6, 0.7]
    result = burden_summary(burden_table(true, predicted))
    assert result["burden_mae"] == pytest.approx(0.1)
    assert result["burden_bias"] == pytest.approx(0.05)
    sd = np.std([0.1, 0, 0.2, -0.1], ddof=1)
    assert result["burden_limit_low"] == pytest.approx(0.05 - 1.96 * sd)
    assert result["burden_limit_high"] == pytest.approx(0.05 + 1.96 * sd)
    assert result["burden_pearson"] == pytest.approx(np.corrcoef(true, predicted)[0, 1])
    assert result["burden_spearman"] == pytest.approx(0.9486833)  # ranks 1 2 3 4 and 1.5 1.5 3 4


def test_concordance_falls_where_correlation_does_not() -> None:
    true = np.array([0.1, 0.3, 0.5, 0.6])
    same = burden_summary(burden_table(true, true))
    assert same["burden_concordance"] == pytest.approx(1)
    twice = burden_summary(burden_table(true, true / 2 + 0.3))
    assert twice["burden_pearson"] == pytest.approx(1)
    x, y = true, true / 2 + 0.3
    lin = 2 * np.cov(x, y, ddof=0)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    assert twice["burden_concordance"] == pytest.approx(lin)
    assert lin < 0.9


@pytest.mark.parametrize("patients", [0, 1, 2])
def test_few_patients_have_no_limits(patients: int) -> None:
    result = burden_summary(burden_table([0.2, 0.4][:patients], [0.3, 0.4][:patients]))
    assert set(result) <= {"burden_mae", "burden_bias", "burden_expected_mae"}
    assert len(result) == (3 if patients else 0)


def test_patients_alike_have_no_correlation_and_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = burden_summary(burden_table([0.2] * 5, [0.1, 0.2, 0.3, 0.2, 0.2]))
    assert "burden_pearson" not in result
    assert result["burden_bias"] == pytest.approx(0)


def test_the_worst_patient_has_enough_patches() -> None:
    few = predictions(["few"] * 3, [1, 1, 0], [0.1, 0.2, 0.9])
    many = predictions(
        ["many"] * 40, [1] * 20 + [0] * 20, [0.9] * 15 + [0.1] * 5 + [0.1] * 18 + [0.8] * 2
    )
    table = per_patient_table(pd.concat([few, many]), 2)
    assert table["recall"].iloc[0] == 0
    worst = worst_patient(table)
    assert worst["worst_patient_recall"] == pytest.approx(0.75)
    assert worst["worst_patient_specificity"] == pytest.approx(0.9)
    assert worst["worst_patient_burden_error"] == pytest.approx(abs(17 - 20) / 40)
    assert 0.7 < worst["worst_patient_auroc"] < 1
    alone = worst_patient(per_patient_table(few, 2))
    assert alone["worst_patient_recall"] == 0
    assert alone["worst_patient_auroc"] == 0
    assert MIN_PATCHES == 10


def test_undefined_metrics_have_no_worst_patient() -> None:
    table = per_patient_table(predictions(["a"] * 12, [0] * 12, [0.2] * 12), 2)
    worst = worst_patient(table)
    assert worst["worst_patient_specificity"] == 1
    assert "worst_patient_recall" not in worst
    assert "worst_patient_auroc" not in worst
