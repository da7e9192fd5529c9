"""Metrics and disease burden of each patient, and their summaries."""

import numpy as np
import pandas as pd
from scipy import stats

from idc.metrics.areas import grouped_areas
from idc.metrics.definitions import BY_PREVALENCE, METRICS, Counts
from idc.metrics.grouped import (
    confusion_matrices,
    decision_metrics,
    one_against_rest,
)

MIN_PATCHES = 10  # of a class, for a patient's recall to be meaningful
MIN_FOR_AGREEMENT = 3  # patients
WORST = [metric for metric in METRICS.values() if metric.name not in BY_PREVALENCE]


def per_patient_table(test: pd.DataFrame, classes: int) -> pd.DataFrame:
    """Metrics and burden of the positive class of each patient, worst first.

    Metrics that are undefined because a patient lacks a class are NaN; for k > 2 the areas are, if
    the patient lacks any class.

    Args:
        test: Predictions: ``patient``, ``label``, ``predicted`` and, for two classes, ``score``;
            for k > 2, ``score_0`` .. ``score_<k-1>``.
        classes: k.

    Returns:
        One row per patient: ``patient``, ``patches``, ``positive`` (share of label > 0) and the
        metrics of `idc.metrics.definitions`. For two classes also ``tp``, ``fp``, ``fn``, ``tn``,
        the metrics of decisions ``_at_0.5``, and the burden, each a share of the patient's patches:
        ``fraction_true`` (labelled positive), ``fraction_predicted`` (called positive),
        ``fraction_expected`` (mean score) and ``burden_error`` (predicted - true). Sorted by
        recall, then F1, then name, NaN last.
    """
    codes, names = pd.factorize(test["patient"].astype(str), sort=True)
    size = len(names)
    label, called = (test[name].to_numpy(np.int64) for name in ("label", "predicted"))
    patches = np.bincount(codes, minlength=size)
    matrices = confusion_matrices(label, called, codes, size, classes)
    columns: dict[str, object] = {
        "patient": np.asarray(names, object),
        "patches": patches,
        "positive": np.bincount(codes, label > 0, size) / patches,
        **decision_metrics(matrices),
    }
    if classes == 2:
        score = test["score"].to_numpy(np.float64)
        at_half = confusion_matrices(label, (score >= 0.5).astype(np.int64), codes, size, 2)
        counts = Counts(*(count[:, 1] for count in one_against_rest(matrices)))
        columns |= {cell: count.astype(np.int64) for cell, count in counts._asdict().items()}
        columns |= {f"{name}_at_0.5": x for name, x in decision_metrics(at_half).items()}
        columns |= grouped_areas(label == 1, score, codes, size)
        true, predicted = counts.sum("tp fn") / patches, counts.sum("tp fp") / patches
        columns |= {"fraction_true": true, "fraction_predicted": predicted}
        columns["fraction_expected"] = np.bincount(codes, score, size) / patches
        columns["burden_error"] = predicted - true
    else:
        of_class = [
            grouped_areas(label == i, test[f"score_{i}"].to_numpy(np.float64), codes, size)
            for i in range(classes)
        ]
        columns |= {name: np.mean([a[name] for a in of_class], axis=0) for name in of_class[0]}
    table = pd.DataFrame(columns)
    return table.sort_values(["recall", "f1", "patient"], na_position="last", ignore_index=True)


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

    The recall of a patient with 2 positives (0, 0.5 or 1) is mostly chance. So a metric is taken
    over patients with at least 10 patches of each label that it needs; for k > 2, over patients
    with 10 patches. If there is no such patient, over all.

    Args:
        table: `per_patient_table`.

    Returns:
        ``worst_patient_recall``, ``worst_patient_auroc``, ... and, for two classes,
        ``worst_patient_burden_error``: the largest absolute error of the burden.
    """
    many = table["patches"] >= MIN_PATCHES
    if "tp" in table:
        enough = [
            table["tn"] + table["fp"] >= MIN_PATCHES,
            table["tp"] + table["fn"] >= MIN_PATCHES,
        ]
    else:
        enough = [many, many]
    worst: dict[str, float] = {}
    for metric in WORST:
        values = table[metric.name].dropna()
        of_many = np.all([enough[label] for label in metric.needs], axis=0)
        reliable = table.loc[of_many, metric.name].dropna()
        if len(values):
            lowest = float((reliable if len(reliable) else values).min())
            worst[f"worst_patient_{metric.name}"] = lowest
    if "burden_error" in table and len(table):
        errors = table["burden_error"].abs()
        worst["worst_patient_burden_error"] = float((errors[many] if many.any() else errors).max())
    return worst
