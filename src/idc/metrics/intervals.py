"""Bootstrap intervals of the test metrics, over patients where there are enough of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_PATIENTS = 10
CHUNK_CELLS = 8_000_000  # float64 weights held at once: 64 MB
MAX_TRIES = 100


@dataclass(frozen=True)
class Intervals:
    """Percentile intervals.

    Attributes:
        bounds: Metric name to (low, high); the metrics of `idc.metrics.collection`.
        unit: What was drawn: ``patient`` or ``patch``.
        units: How many of them there are.
        optimistic: True for patches: those of one patient resemble one another, so an interval
            over patches is too narrow for new patients.
    """

    bounds: dict[str, tuple[float, float]]
    unit: str
    units: int
    optimistic: bool


def bootstrap(
    labels: NDArray[np.integer],
    scores: NDArray[np.floating],
    groups: NDArray[np.object_],
    threshold: float,
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Intervals:
    """Cluster bootstrap (Field & Welsh 2007) of the two-class metrics.

    Whole patients are drawn with replacement. With fewer than 10 patients that says little, and
    patches are drawn in their place, which is marked as optimistic. A draw that lacks a class is
    drawn again.

    Args:
        labels: int (N,), 0 or 1, both present.
        scores: float (N,) in [0, 1].
        groups: Patient of each patch, (N,).
        threshold: ``score >= threshold`` is positive.
        draws: Number of resamples.
        level: Coverage aimed at, in (0, 1).
        seed: Fixes the draws.

    Returns:
        The intervals.
    """
    names, codes = np.unique(np.asarray(groups, str), return_inverse=True)
    by_patient = len(names) >= MIN_PATIENTS
    if not by_patient:
        codes = np.arange(len(labels))
    units = int(codes.max()) + 1
    order = np.argsort(-scores, kind="stable")
    positive = (np.asarray(labels)[order] == 1).astype(np.float64)
    ranked, codes = scores[order], codes[order]
    ends = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    cut = int(np.searchsorted(-ranked, -threshold, side="right"))  # patches called positive
    rng = np.random.default_rng(seed)
    chunk = max(1, CHUNK_CELLS // len(labels))
    parts = [
        _resampled(rng, min(chunk, draws - start), units, codes, positive, ends, cut)
        for start in range(0, draws, chunk)
    ]
    tail = (1 - level) / 2
    bounds = {}
    for name in parts[0]:
        values = np.concatenate([part[name] for part in parts])
        low, high = np.quantile(values, [tail, 1 - tail])
        bounds[name] = (float(low), float(high))
    return Intervals(bounds, "patient" if by_patient else "patch", units, not by_patient)


def _resampled(
    rng: np.random.Generator,
    draws: int,
    units: int,
    codes: NDArray[np.int64],
    positive: NDArray[np.float64],
    ends: NDArray[np.int64],
    cut: int,
) -> dict[str, NDArray[np.float64]]:
    """Metrics of `draws` resamples, each float (draws,); samples are sorted by falling score."""
    weights = _weights(rng, draws, units, codes, positive)
    tps = np.cumsum(weights * positive, axis=1)
    fps = np.cumsum(weights * (1 - positive), axis=1)
    pos, neg = tps[:, -1], fps[:, -1]
    tp = tps[:, cut - 1] if cut else np.zeros(draws)
    fp = fps[:, cut - 1] if cut else np.zeros(draws)
    tn, fn = neg - fp, pos - tp
    tps, fps = tps[:, ends], fps[:, ends]
    rise = np.diff(tps, axis=1, prepend=0)
    middle = fps - np.diff(fps, axis=1, prepend=0) / 2  # ties count half
    called = np.maximum(tps + fps, 1e-12)
    return {
        "accuracy": (tp + tn) / (pos + neg),
        "balanced_accuracy": (tp / pos + tn / neg) / 2,
        "precision": tp / np.maximum(tp + fp, 1e-12),
        "recall": tp / pos,
        "specificity": tn / neg,
        "f1": 2 * tp / (2 * tp + fp + fn),
        "auroc": 1 - (rise * middle).sum(1) / (pos * neg),
        "average_precision": (rise * tps / called).sum(1) / pos,
    }


def _weights(
    rng: np.random.Generator,
    draws: int,
    units: int,
    codes: NDArray[np.int64],
    positive: NDArray[np.float64],
) -> NDArray[np.float64]:
    """How often each sample was drawn, float (draws, N); every row holds both classes."""
    weights = np.empty((draws, len(codes)))
    todo = np.arange(draws)
    for _ in range(MAX_TRIES):
        picks = rng.integers(0, units, (len(todo), units))
        times = np.stack([np.bincount(row, minlength=units) for row in picks])
        weights[todo] = times[:, codes]
        pos = weights @ positive
        todo = np.flatnonzero((pos == 0) | (pos == weights.sum(1)))
        if not len(todo):
            break
    return weights
