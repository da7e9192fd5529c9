"""Metrics and disease burden of each patient, and their summaries."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from idc.metrics.grouped import (
    DecisionCounts,
    Floats,
    confusion_matrices,
    count_decisions,
    grouped_areas,
    macro_metrics,
)

MIN_PATCHES = 10  # of a class, for a patient's recall to be meaningful
MIN_FOR_AGREEMENT = 3  # patients
WORST = ("recall", "specificity", "f1", "balanced_accuracy", "auroc", "average_precision")


def per_patient_table(
    test: pd.DataFrame, classes: int, threshold: float | None = None
) -> pd.DataFrame:
    """Metrics and burden of the positive class of each patient, worst first.

    Metrics that are undefined because a patient lacks a class are NaN, see
    `DecisionCounts.metrics`; for k > 2 the areas are, if the patient lacks any class.

    Args:
        test: Predictions: ``patient``, ``label``, ``predicted`` and, for two classes, ``score``;
            for k > 2, ``score_0`` .. ``score_<k-1>``.
        classes: k.
        threshold: ``score >= threshold`` is positive; None uses the decisions in ``predicted``, as
            for pooled folds, whose thresholds differ. Not used for k > 2.

    Returns:
        One row per patient: ``patient``, ``patches``, ``positive`` (share of label > 0). For two
        classes ``tp``, ``fp``, ``fn``, ``tn``, the metrics of `DecisionCounts.metrics`, the same
        ``_at_0.5``, ``auroc``, ``average_precision``, and the burden, each a share of the patient's
        patches: ``fraction_true`` (labelled positive), ``fraction_predicted`` (called positive),
        ``fraction_expected`` (mean score) and ``burden_error`` (predicted - true). For k > 2 the
        metrics of `macro_metrics` and the macro areas. Sorted by recall, then F1, then name, NaN
        last.
    """
    codes, names = pd.factorize(test["patient"].astype(str), sort=True)
    size = len(names)
    label = test["label"].to_numpy(np.int64)
    patches = np.bincount(codes, minlength=size)
    columns: dict[str, object] = {
        "patient": np.asarray(names, object),
        "patches": patches,
        "positive": np.bincount(codes, label > 0, size) / patches,
    }
    if classes == 2:
        score = test["score"].to_numpy(np.float64)
        if threshold is None:
            called = test["predicted"].to_numpy(np.int64)
        else:
            called = (score >= threshold).astype(np.int64)
        counts = count_decisions(label, called, codes, size)
        at_half = count_decisions(label, (score >= 0.5).astype(np.int64), codes, size)
        columns |= {"tp": counts.tp, "fp": counts.fp, "fn": counts.fn, "tn": counts.tn}
        columns |= counts.metrics()
        columns |= {f"{name}_at_0.5": values for name, values in at_half.metrics().items()}
        columns |= grouped_areas(label == 1, score, codes, size)
        columns |= _burden(counts, np.bincount(codes, score, size))
    else:
        called = test["predicted"].to_numpy(np.int64)
        columns |= macro_metrics(confusion_matrices(label, called, codes, size, classes))
        of_class = [
            grouped_areas(label == i, test[f"score_{i}"].to_numpy(np.float64), codes, size)
            for i in range(classes)
        ]
        columns |= {name: np.mean([a[name] for a in of_class], axis=0) for name in of_class[0]}
    table = pd.DataFrame(columns)
    return table.sort_values(["recall", "f1", "patient"], na_position="last", ignore_index=True)


def _burden(counts: DecisionCounts, expected: NDArray[np.number]) -> dict[str, Floats]:
    patches = counts.tp + counts.fp + counts.fn + counts.tn
    true, predicted = (counts.tp + counts.fn) / patches, (counts.tp + counts.fp) / patches
    return {
        "fraction_true": true,
        "fraction_predicted": predicted,
        "fraction_expected": expected / patches,
        "burden_error": predicted - true,
    }


def burden_summary(table: pd.DataFrame) -> dict[str, float]:
    """Agreement of predicted and true burden (share of positive patches) over patients.

    Each patient counts once, whatever the number of patches.

    Args:
        table: `per_patient_table`.

    Returns:
        ``burden_mae`` (mean absolute error of the share), ``burden_bias`` (mean of predicted -
        true) and ``burden_expected_mae`` (of the mean score); from 3 patients on also
        ``burden_limit_low`` and ``burden_limit_high``, the 95 % limits of agreement (bias -+ 1.96
        sample deviations; Bland & Altman 1986), and if both shares vary ``burden_pearson``,
        ``burden_spearman`` and ``burden_concordance`` (Lin 1989: 1 only if the shares are equal,
        not merely linear). Undefined values are left out; for k > 2, all of them.
    """
    if "fraction_true" not in table or table.empty:
        return {}
    true = table["fraction_true"].to_numpy(np.float64)
    predicted = table["fraction_predicted"].to_numpy(np.float64)
    error = predicted - true
    expected = table["fraction_expected"].to_numpy(np.float64)
    bias = float(error.mean())
    summary = {
        "burden_mae": float(np.abs(error).mean()),
        "burden_bias": bias,
        "burden_expected_mae": float(np.abs(expected - true).mean()),
    }
    if len(error) < MIN_FOR_AGREEMENT:
        return summary
    limit = 1.96 * float(error.std(ddof=1))
    summary |= {"burden_limit_low": bias - limit, "burden_limit_high": bias + limit}
    if np.ptp(true) > 0 and np.ptp(predicted) > 0:
        covariance = float(((true - true.mean()) * (predicted - predicted.mean())).mean())
        spread = float(true.var() + predicted.var()) + bias**2
        summary |= {
            "burden_pearson": float(stats.pearsonr(true, predicted).statistic),
            "burden_spearman": float(stats.spearmanr(true, predicted).statistic),
            "burden_concordance": 2 * covariance / spread,
        }
    return summary


def worst_patient(table: pd.DataFrame) -> dict[str, float]:
    """Lowest value over patients of each metric that is defined for any of them.

    The recall of a patient with 2 positives (0, 0.5 or 1) is mostly chance. So recall and F1 are
    taken over patients with at least 10 positives, specificity over those with 10 negatives, and
    balanced accuracy and the areas over those with 10 of each; for k > 2, over patients with 10
    patches. If there is no such patient, over all.

    Args:
        table: `per_patient_table`.

    Returns:
        ``worst_patient_recall``, ``worst_patient_auroc``, ... and, for two classes,
        ``worst_patient_burden_error``: the largest absolute error of the burden.
    """
    many = table["patches"] >= MIN_PATCHES
    enough = dict.fromkeys(WORST, many)
    if "tp" in table:
        positives = table["tp"] + table["fn"] >= MIN_PATCHES
        negatives = table["tn"] + table["fp"] >= MIN_PATCHES
        enough = dict.fromkeys(WORST, positives & negatives)
        enough |= {"recall": positives, "f1": positives, "specificity": negatives}
    worst: dict[str, float] = {}
    for name in WORST:
        values = table[name].dropna()
        reliable = table.loc[enough[name], name].dropna()
        if len(values):
            worst[f"worst_patient_{name}"] = float((reliable if len(reliable) else values).min())
    if "burden_error" in table and len(table):
        errors = table["burden_error"].abs()
        worst["worst_patient_burden_error"] = float((errors[many] if many.any() else errors).max())
    return worst
