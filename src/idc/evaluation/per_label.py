"""Metrics of each class or label, and for several labels every decision as a row of its own."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.index import class_members
from idc.evaluation.predictions import labels_of, probabilities_of
from idc.metrics.bootstrap import bootstrap
from idc.metrics.definitions import AREAS, METRIC_NAMES
from idc.metrics.label_thresholds import LabelThresholds
from idc.metrics.per_patient import per_patient_table
from idc.metrics.slice_table import metric_words, slice_table
from idc.metrics.statistics import ClusterStatistics, Prediction, occurs_with_both

OF_CASES = ("fraction_true", "fraction_predicted", "fraction_expected", "burden_error")
LOGGED = ("prevalence", "threshold", *METRIC_NAMES)


def per_label_table(
    test: pd.DataFrame,
    index: pd.DataFrame,
    class_names: Sequence[str],
    thresholds: LabelThresholds | None,
    draws: int,
    level: float,
) -> pd.DataFrame:
    """Metrics of each label, or of each class against the rest, as of a classification in two.

    Args:
        test: Decided predictions.
        index: The index with ``split``, for the number of images that a label was learnt from.
        class_names: One name per label or class.
        thresholds: What made the decisions on several labels; None where each fold has its own.
        draws: Number of bootstrap draws over patients; 0 for no intervals.
        level: Nominal coverage of the intervals, in (0, 1).

    Returns:
        One row per label: ``label``, ``patches`` (of the test split), ``positives``, ``patients``
        (with the label), ``prevalence``, ``train_positives``, ``val_positives`` (where the index
        has these splits), ``threshold``, ``own_threshold`` (bool: chosen on the label itself), and
        each metric with ``<metric>_ci_low`` and ``_ci_high``; what is undefined is NaN.
    """
    k = len(class_names)
    labels, called = (_members(labels_of(test, k, name), k) for name in ("label", "predicted"))
    scores = probabilities_of(test, k, "score")
    patients = test["patient"].to_numpy(object)
    both, whole = occurs_with_both(labels), np.zeros(len(test), np.int64)
    learnt = {split: index[index["split"] == split] for split in ("train", "val")}
    counts = {
        f"{split}_positives": class_members(part, class_names).sum(0)
        for split, part in learnt.items()
        if len(part)
    }
    rows = []
    for i, name in enumerate(class_names):
        label, of_label = labels[:, i], Prediction(scores[:, i], {"": called[:, i]})
        row = {
            "label": name,
            "patches": len(test),
            "positives": int(label.sum()),
            "patients": len(np.unique(patients[label == 1].astype(str))),
            "prevalence": float(label.mean()),
            **{column: int(count[i]) for column, count in counts.items()},
        }
        if thresholds is not None:
            row |= {"threshold": thresholds.each[i], "own_threshold": thresholds.own[i]}
        statistics = ClusterStatistics(label, of_label, whole, 1, METRIC_NAMES)
        values = statistics.values(np.ones((1, 1)))
        bounds = {}
        if draws and both[i]:
            bounds = bootstrap(label, of_label, patients, draws, level).bounds
        for metric in METRIC_NAMES:
            low, high = bounds.get(metric, (np.nan, np.nan))
            row[metric] = float(values[metric][0]) if both[i] else np.nan
            row |= {f"{metric}_ci_low": low, f"{metric}_ci_high": high}
        rows.append(row)
    return pd.DataFrame(rows)


def _members(labels: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Classes, (n,), as one column of 0 and 1 per class; several labels, (n, k), as they are."""
    return labels if labels.ndim == 2 else (labels[:, None] == np.arange(classes)).astype(np.int64)


def label_metrics(table: pd.DataFrame) -> dict[str, float]:
    """Metrics of each label to log, ``label/<name>/<metric>``, with intervals.

    Args:
        table: See `per_label_table`.
    """
    names = [f"{name}{end}" for name in LOGGED for end in ("", "_ci_low", "_ci_high")]
    return {
        f"label/{word}/{name}": float(row[name])
        for word, row in zip(metric_words(table["label"]), table.to_dict("records"), strict=True)
        for name in names
        if name in row and np.isfinite(row[name])
    }


def decisions_table(
    test: pd.DataFrame, classes: int, thresholds: LabelThresholds | None
) -> pd.DataFrame:
    """One row per image and label: a table of predictions of two classes, of all labels together.

    Returns:
        ``patient``, ``label``, ``predicted``, ``score``, ``threshold`` (NaN without thresholds) and
        ``fold`` (of the image, with its label; where there are folds).
    """
    place = np.repeat(np.arange(len(test)), classes)
    of_label = np.tile(np.arange(classes), len(test))
    table = pd.DataFrame(
        {
            "patient": test["patient"].to_numpy(object)[place],
            "label": labels_of(test, classes).ravel(),
            "predicted": labels_of(test, classes, "predicted").ravel(),
            "score": probabilities_of(test, classes, "score").ravel(),
            "threshold": np.nan if thresholds is None else np.array(thresholds.each)[of_label],
        }
    )
    if thresholds is None:
        fold = test["fold"].astype(str).to_numpy(object)[place] if "fold" in test else ""
        table["fold"] = fold + np.char.add("/", of_label.astype(str)).astype(object)
    return table


def decisions_per_patient(decisions: pd.DataFrame, classes: int) -> pd.DataFrame:
    """`per_patient_table` of all decisions on a patient's images; without areas and burden."""
    table = per_patient_table(decisions, 2).drop(columns=list(OF_CASES))
    return table.assign(patches=table["patches"] // classes, **dict.fromkeys(AREAS, np.nan))


def decisions_by_slice(
    decisions: pd.DataFrame, columns: pd.DataFrame, classes: int, draws: int, level: float
) -> pd.DataFrame:
    """`slice_table` of all decisions on the images of each slice; without areas."""
    every = columns.iloc[np.repeat(np.arange(len(columns)), classes)].reset_index(drop=True)
    table = slice_table(decisions, every, 2, draws, level)
    return table.assign(patches=table["patches"] // classes, **dict.fromkeys(AREAS, np.nan))
