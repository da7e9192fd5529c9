"""Selective prediction: metrics if the least confident patches are left to a pathologist.

Patches are kept from the most to the least confident, and all metrics are of the kept patches.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit

from idc.metrics.definitions import Counts
from idc.metrics.grouped import Floats, metrics_of_two

SMALLEST = 1e-12  # scores are clipped to this distance from 0 and 1
RECALL, ERROR, COVERAGE = 0.99, 0.05, 0.8  # targets of `selective_metrics`


def confidence(
    frame: pd.DataFrame, classes: int, threshold: float | Floats | None = None
) -> Floats:
    """Confidence of each decision: the score's distance from the threshold in log-odds.

    Log-odds rather than scores: at a threshold of 0.1 no negative could otherwise be more confident
    than a positive of 0.2. At a threshold of 0.5 the order is that of the predicted class's
    probability, which it is for more classes.

    Args:
        frame: Predictions: ``score``, ``predicted`` and, if pooled, ``fold``.
        classes: k.
        threshold: The threshold of ``predicted``, for two classes, or that of each row. None
            estimates it for each fold, as the middle between its highest score called negative and
            its lowest called positive.

    Returns:
        float64 (N,), larger for more confident; lowest next to the threshold.
    """
    score = frame["score"]
    if classes > 2:
        return score.to_numpy(np.float64)
    thresholds = pd.Series(threshold, frame.index, np.float64)
    if threshold is None:
        fold = frame["fold"] if "fold" in frame else pd.Series("", frame.index)
        below = score.where(frame["predicted"] == 0).groupby(fold).transform("max")
        above = score.where(frame["predicted"] == 1).groupby(fold).transform("min")
        thresholds = (below.fillna(0) + above.fillna(1)) / 2
    one, other = (logit(x.clip(SMALLEST, 1 - SMALLEST)) for x in (score, thresholds))
    return np.abs(np.asarray(one, np.float64) - np.asarray(other, np.float64))


def risk_coverage(
    labels: NDArray[np.integer],
    predicted: NDArray[np.integer],
    confidence: NDArray[np.floating],
    classes: int,
) -> pd.DataFrame:
    """Error and other metrics of the most confident patches (Geifman & El-Yaniv 2017).

    Args:
        labels: int (N,), 0..k-1.
        predicted: int (N,), 0..k-1.
        confidence: Larger for more confident, float (N,), on any scale, such as
            `confidence` or the negative entropy. Patches of equal confidence are kept or
            dropped together.
        classes: k.

    Returns:
        One row per distinct confidence, from few patches to all: ``coverage`` (share of the
        patches kept, in (0, 1]), ``risk`` (their error rate), for two classes their metrics (NaN if
        undefined), see `idc.metrics.grouped.metrics_of_two`, and ``threshold`` (the lowest
        confidence that is kept).
    """
    order = np.argsort(-np.asarray(confidence, np.float64), kind="stable")
    label, called = np.asarray(labels)[order], np.asarray(predicted)[order]
    ranked = np.asarray(confidence, np.float64)[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)[: len(order)])

    def kept(chosen: NDArray[np.bool_]) -> Floats:
        return np.cumsum(chosen)[ends].astype(np.float64)

    columns: dict[str, Floats] = {
        "coverage": (ends + 1) / max(len(order), 1),
        "risk": kept(label != called) / (ends + 1),
    }
    if classes == 2:
        cells = ((1, 1), (0, 1), (1, 0), (0, 0))
        columns |= metrics_of_two(Counts(*(kept((label == a) & (called == b)) for a, b in cells)))
    return pd.DataFrame(columns | {"threshold": ranked[ends]})


def selective_metrics(
    labels: NDArray[np.integer],
    predicted: NDArray[np.integer],
    confidence: NDArray[np.floating],
    classes: int,
) -> dict[str, float]:
    """Summarise the risk-coverage curve.

    Args:
        labels: int (N,), 0..k-1.
        predicted: int (N,), 0..k-1.
        confidence: As for `risk_coverage`, float (N,).
        classes: As for `risk_coverage`.

    Returns:
        ``aurc``: mean risk of keeping 1, 2, ... N patches, ties in random order; ``e_aurc``: its
        excess over a perfect order with all errors last (Geifman et al. 2019), 0 at best.
        ``coverage_at_error_0.05``: largest coverage whose error rate is at most 0.05, 0 if none
        is; ``risk_at_coverage_0.8``: risk at the lowest coverage of at least 0.8, as ties stay
        together. For two classes also ``coverage_at_recall_0.99`` and ``recall_at_coverage_0.8``,
        if there are positives. Empty without patches.
    """
    count = len(labels)
    if not count:
        return {}
    table = risk_coverage(labels, predicted, confidence, classes)
    coverage, risk = table["coverage"].to_numpy(), table["risk"].to_numpy()
    area = _area(coverage * count, risk * coverage * count)
    errors = float(round(risk[-1] * count))
    best = _area(np.array([count - errors, count]), np.array([0.0, errors]))
    at = int(np.searchsorted(coverage, COVERAGE - 1e-9))
    metrics = {
        "aurc": area,
        "e_aurc": max(area - best, 0.0),
        f"coverage_at_error_{ERROR}": _largest(coverage, risk <= ERROR),
        f"risk_at_coverage_{COVERAGE}": float(risk[at]),
    }
    if "recall" in table and (np.asarray(labels) == 1).any():
        recall = table["recall"].to_numpy()
        metrics[f"coverage_at_recall_{RECALL}"] = _largest(coverage, recall >= RECALL)
        if np.isfinite(recall[at]):
            metrics[f"recall_at_coverage_{COVERAGE}"] = float(recall[at])
    return metrics


def _area(kept: Floats, errors: Floats) -> float:
    """Mean over 1, 2, ... N of the expected error rate of the patches kept.

    Args:
        kept: Patches kept at the end of each set of ties, float (M,); the last is N.
        errors: Errors among them, float (M,); linear in between.
    """
    steps = np.arange(1, round(kept[-1]) + 1)
    expected = np.interp(steps, np.append(0, kept), np.append(0, errors))
    return float((expected / steps).mean())


def _largest(coverage: Floats, reached: NDArray[np.bool_]) -> float:
    return float(coverage[reached].max(initial=0))
