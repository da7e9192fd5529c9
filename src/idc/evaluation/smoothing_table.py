"""Metrics of the same test patches with and without smoothing, compared patient by patient."""

import numpy as np
import pandas as pd

from idc.evaluation.postprocess import SMOOTHED
from idc.evaluation.predictions import prediction_of
from idc.metrics.definitions import METRIC_NAMES
from idc.metrics.per_patient import per_patient_table
from idc.metrics.resampling import SEED, patient_clusters
from idc.metrics.spread import Spread, resample_metrics
from idc.metrics.statistics import ClusterStatistics


def is_smoothed(test: pd.DataFrame) -> bool:
    """Whether predictions have smoothed scores; see `idc.evaluation.postprocess.decide_split`."""
    return f"score{SMOOTHED}" in test and bool(test[f"score{SMOOTHED}"].notna().all())


def smoothed_view(test: pd.DataFrame, classes: int) -> pd.DataFrame:
    """The predictions with smoothed scores and decisions in place of the plain ones."""
    names = ["score", "predicted", *(f"score_{i}" for i in range(classes) if classes > 2)]
    return test.assign(
        **{n: test[n.replace("score", f"score{SMOOTHED}", 1)] for n in names if n != "predicted"},
        predicted=test[f"predicted{SMOOTHED}"].astype(np.int64),
    )


def smoothing_table(test: pd.DataFrame, classes: int, draws: int, level: float) -> pd.DataFrame:
    """Compare the metrics with and without smoothing on the same draws of patients.

    Args:
        test: Decided predictions of a test split that `is_smoothed`.
        classes: k.
        draws: Number of bootstrap draws; 0 for no intervals.
        level: Nominal coverage of the intervals, in (0, 1).

    Returns:
        One row per metric: ``metric``, ``plain``, ``smoothed``, ``smoothed_low`` and
        ``smoothed_high`` (interval of the smoothed metric), ``difference`` (smoothed minus plain)
        with ``low`` and ``high`` over patients, and ``patients_higher`` and ``patients_lower``,
        the numbers of patients in whom the metric rose and fell. What is undefined is NaN.
    """
    views = test, smoothed_view(test, classes)
    plain, smoothed = (_spreads(view, classes, draws) for view in views)
    tables = [per_patient_table(view, classes).set_index("patient") for view in views]
    rows = []
    for name in METRIC_NAMES:
        change = smoothed[name] - plain[name]
        row = {"metric": name, "plain": plain[name].value, "smoothed": smoothed[name].value}
        row["smoothed_low"], row["smoothed_high"] = _interval(smoothed[name], level, draws)
        row["difference"] = change.value
        row["low"], row["high"] = _interval(change, level, draws)
        if name in tables[0]:
            by_patient = tables[1][name].astype(float) - tables[0][name].astype(float)
            row["patients_higher"] = int((by_patient > 0).sum())
            row["patients_lower"] = int((by_patient < 0).sum())
        rows.append(row)
    return pd.DataFrame(rows)


def _spreads(view: pd.DataFrame, classes: int, draws: int) -> dict[str, Spread]:
    labels = view["label"].to_numpy()
    clusters = patient_clusters(labels, view["patient"].to_numpy(object))
    prediction = prediction_of(view, classes)
    statistics = ClusterStatistics(labels, prediction, clusters.codes, clusters.count, METRIC_NAMES)
    return resample_metrics(statistics, clusters, max(draws, 1), SEED)


def _interval(spread: Spread, level: float, draws: int) -> tuple[float, float]:
    return spread.interval(level) if draws else (np.nan, np.nan)
