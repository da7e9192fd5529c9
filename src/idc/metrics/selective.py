"""What a classifier would do if it might leave its least certain patches to a pathologist.

Patches are kept from the most to the least confident. All numbers are of the patches kept: what
becomes of the others is up to whoever reads them.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit

from idc.metrics.decisions import Decisions, Floats

SMALLEST = 1e-12  # scores nearer to 0 or 1 count as this near
RECALL, ERROR, COVERAGE = 0.99, 0.05, 0.8  # targets of `selective_metrics`
MODEL = ("setting", "repeat", "fold")  # tell pooled models apart


def confidence(frame: pd.DataFrame, classes: int, threshold: float | None = None) -> Floats:
    """How certain each decision is: `margin_confidence`, or for k > 2 the predicted class's score.

    Args:
        frame: Predictions: ``score``, ``predicted`` and, where they were pooled, ``setting``,
            ``repeat`` or ``fold``.
        classes: k.
        threshold: The one that made ``predicted``, for two classes. None takes, for each model
            that was pooled, the middle between its highest score called negative and its lowest
            called positive, as each fold has its own.

    Returns:
        float64 (N,), larger for more certain. Patches nearest the threshold come last.
    """
    score = frame["score"].to_numpy(np.float64)
    if classes > 2:
        return score
    if threshold is not None:
        return margin_confidence(score, threshold)
    keys = [frame[name].to_numpy() for name in MODEL if name in frame]
    model = pd.DataFrame(dict(enumerate(keys)), index=range(len(frame)))
    codes = model.groupby(list(model), sort=False, dropna=False).ngroup().to_numpy() if keys else 0
    parts = pd.DataFrame({"model": codes, "score": score, "called": frame["predicted"].to_numpy()})
    below = parts["score"].where(parts["called"] == 0).groupby(parts["model"]).transform("max")
    above = parts["score"].where(parts["called"] == 1).groupby(parts["model"]).transform("min")
    turn = (below.fillna(0) + above.fillna(1)).to_numpy(np.float64) / 2
    return margin_confidence(score, turn)


def margin_confidence(scores: NDArray[np.floating], threshold: float | Floats) -> Floats:
    """How far the evidence for a decision of two classes lies from where it would turn over.

    The distance of log odds, ``|logit(score) - logit(threshold)|``. At the threshold the two
    errors weigh alike, so a score there is the first to ask about. Odds rather than the bare
    difference of scores: at a threshold of 0.1 that would leave no negative more certain than a
    positive of 0.2. At a threshold of 0.5 the order is that of the predicted class's probability.

    Args:
        scores: Probability of the positive class, float (N,) in [0, 1].
        threshold: ``score >= threshold`` is positive, in [0, 1]; one, or float (N,).

    Returns:
        float64 (N,), >= 0.
    """
    turn = np.atleast_1d(np.asarray(threshold, np.float64))
    margin: Floats = np.abs(_logit(np.asarray(scores, np.float64)) - _logit(turn))
    return margin


def _logit(p: Floats) -> Floats:
    return np.asarray(logit(p.clip(SMALLEST, 1 - SMALLEST)), np.float64)


def class_confidence(probabilities: NDArray[np.floating]) -> Floats:
    """The predicted class's probability (the softmax response of Geifman & El-Yaniv 2017).

    Args:
        probabilities: float (N, k).

    Returns:
        float64 (N,).
    """
    top: Floats = np.asarray(probabilities, np.float64).max(1)
    return top


def risk_coverage(
    labels: NDArray[np.integer],
    predicted: NDArray[np.integer],
    confidence: NDArray[np.floating],
    classes: int | None = None,
) -> pd.DataFrame:
    """Error and other metrics of the most confident patches (Geifman & El-Yaniv 2017).

    Args:
        labels: int (N,), 0..k-1.
        predicted: int (N,), 0..k-1.
        confidence: Larger for more certain, float (N,); any scale, such as `margin_confidence` or
            the negative entropy. Patches of equal confidence are kept or left together.
        classes: k; by default two, unless a label or decision is above 1.

    Returns:
        A row a distinct confidence, from few patches to all: ``coverage`` (share of the patches
        kept, in (0, 1]), ``risk`` (their error rate), for two classes their ``recall``,
        ``specificity``, ``precision`` and ``f1`` (NaN where undefined, see `Decisions.metrics`),
        and ``threshold`` (the lowest confidence that is kept).
    """
    order, ends = _ranked(confidence)
    label, called = np.asarray(labels)[order], np.asarray(predicted)[order]
    kept = ends + 1
    columns: dict[str, Floats] = {
        "coverage": kept / max(len(order), 1),
        "risk": np.cumsum(label != called)[ends] / kept,
    }
    if _two(label, called, classes):
        table = [
            np.cumsum((label == of) & (called == given))[ends].astype(np.int64)
            for of, given in ((1, 1), (0, 1), (1, 0), (0, 0))
        ]
        metrics = Decisions(*table).metrics()
        columns |= {name: metrics[name] for name in ("recall", "specificity", "precision", "f1")}
    columns["threshold"] = np.asarray(confidence, np.float64)[order][ends]
    return pd.DataFrame(columns)


def _two(label: NDArray[np.integer], called: NDArray[np.integer], classes: int | None) -> bool:
    if classes is None:
        return int(max(label.max(initial=0), called.max(initial=0))) <= 1
    return classes == 2


def _ranked(confidence: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The order from the most confident on, and the last of each set of equals in it."""
    order = np.argsort(-np.asarray(confidence, np.float64), kind="stable")
    ranked = np.asarray(confidence, np.float64)[order]
    return order, np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)[: len(order)])


def selective_metrics(
    labels: NDArray[np.integer],
    predicted: NDArray[np.integer],
    confidence: NDArray[np.floating],
    classes: int | None = None,
) -> dict[str, float]:
    """The risk-coverage curve in a few numbers.

    Args:
        labels: int (N,), 0..k-1.
        predicted: int (N,), 0..k-1.
        confidence: As for `risk_coverage`, float (N,).
        classes: As for `risk_coverage`.

    Returns:
        ``aurc``: the mean risk of keeping 1, 2, ... N patches, equal ones in random order;
        ``e_aurc``: what of it a perfect order, all errors last, would save (Geifman et al. 2019),
        0 at best. ``coverage_at_error_0.05``: the largest coverage whose error rate is at most
        0.05, 0 if none is; ``risk_at_coverage_0.8``: of the least coverage from 0.8 on, as equals
        stay together. For two classes ``coverage_at_recall_0.99`` and ``recall_at_coverage_0.8``
        too, if there are positives. Nothing for no patches.
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
    found = {
        "aurc": area,
        "e_aurc": max(area - best, 0.0),
        f"coverage_at_error_{ERROR}": _largest(coverage, risk <= ERROR),
        f"risk_at_coverage_{COVERAGE}": float(risk[at]),
    }
    if "recall" in table and (np.asarray(labels) == 1).any():
        recall = table["recall"].to_numpy()
        found[f"coverage_at_recall_{RECALL}"] = _largest(coverage, recall >= RECALL)
        if np.isfinite(recall[at]):
            found[f"recall_at_coverage_{COVERAGE}"] = float(recall[at])
    return found


def _area(kept: Floats, errors: Floats) -> float:
    """Mean over 1, 2, ... N of the expected errors over the patches kept.

    Args:
        kept: Patches kept at the end of each set of equals, float (M,), the last is N.
        errors: Errors among them, float (M,); in between they grow evenly.
    """
    steps = np.arange(1, round(kept[-1]) + 1)
    expected = np.interp(steps, np.append(0, kept), np.append(0, errors))
    return float((expected / steps).mean())


def _largest(coverage: Floats, reached: NDArray[np.bool_]) -> float:
    return float(coverage[reached].max(initial=0))
