"""Whether classifiers that were tested on the same patches differ by more than luck."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.comparison.cliques import alike_pairs, cliques
from idc.comparison.contestant import Contestant
from idc.errors import DataError
from idc.metrics.delong import delong
from idc.metrics.mcnemar import mcnemar
from idc.metrics.paired import compare_paired, holm
from idc.metrics.statistics import Prediction

HALF = "_at_0.5"
METRICS = ("f1", "recall", "balanced_accuracy", "auroc", "accuracy")


@dataclass(frozen=True)
class Comparison:
    """What can be told apart.

    Attributes:
        metrics: The metrics that were compared.
        estimates: A row a contestant and metric: ``name``, ``metric``, ``value``, ``low``,
            ``high``, ``patients``.
        differences: A row a pair and metric: ``a``, ``b``, ``metric``, ``difference``, ``low``,
            ``high``, ``patients``, ``family`` (``settings`` or ``baselines``), ``p``, ``p_holm``
            and ``apart`` (bool: `p_holm` is below `level`), the decision that all sentences,
            tables and figures take from here;
            AUROC rows also ``p_delong`` and ``p_delong_patients``, and ``accuracy`` rows
            ``p_mcnemar`` and ``p_mcnemar_patients``, where each contestant has one repeat; each
            with ``_holm``.
        groups: Metric to the groups that hold exactly the pairs that were tested and cannot be
            told apart, baselines included; see `idc.comparison.cliques`.
        level: Share of false alarms allowed among all pairs.
    """

    metrics: tuple[str, ...]
    estimates: pd.DataFrame
    differences: pd.DataFrame
    groups: dict[str, list[tuple[str, ...]]]
    level: float


def compare(
    contestants: Sequence[Contestant],
    metrics: Sequence[str] = METRICS,
    draws: int = 2000,
    level: float = 0.95,
) -> Comparison:
    """Compare every pair, on the same patches, by patient.

    Differences and their p come from a paired cluster bootstrap; DeLong's test and McNemar's, which
    take patches for independent, stand beside them, and their versions by patient. All are
    corrected for the number of pairs by Holm's method, a metric and a family at a time: settings
    against one another, and settings against baselines. Baselines are not set against one another.

    Args:
        contestants: Two or more, tested on the same patches; see `require_same_patches`.
        metrics: What to compare them by.
        draws: Of the bootstrap.
        level: Of the intervals; 1 - level is the share of false alarms.
    """
    first = next(iter(contestants[0].repeats.values()))
    labels, groups = first["label"].to_numpy(), first["patient"].to_numpy(object)
    said = {
        one.name: [_prediction(frame, one.classes) for frame in one.repeats.values()]
        for one in contestants
    }
    found = compare_paired(labels, groups, said, tuple(metrics), draws, level)
    differences = found.pairs.merge(
        _classical(contestants, labels, groups), on=["a", "b", "metric"], how="left"
    )
    differences = _families(differences, contestants)
    for name in ("p", "p_delong", "p_delong_patients", "p_mcnemar", "p_mcnemar_patients"):
        differences[f"{name}_holm"] = _corrected(differences, name)
    differences["apart"] = differences["p_holm"] < 1 - level  # NaN is not
    estimates = found.intervals.rename(columns={"contestant": "name"})
    joined = {}
    for metric in metrics:
        of_metric = estimates[estimates["metric"] == metric].sort_values("value", ascending=False)
        joined[metric] = cliques(of_metric["name"].tolist(), alike_pairs(differences, metric))
    return Comparison(tuple(metrics), estimates, differences, joined, 1 - level)


def _prediction(frame: pd.DataFrame, classes: int) -> Prediction:
    names = "score" if classes == 2 else [f"score_{i}" for i in range(classes)]
    scores = frame[names].to_numpy(np.float64)
    return Prediction(scores, {"": frame["predicted"].to_numpy(np.int64)})


def _classical(
    contestants: Sequence[Contestant], labels: NDArray[np.int64], groups: NDArray[np.object_]
) -> pd.DataFrame:
    """DeLong and McNemar of pairs that have one set of predictions each."""
    rows = []
    both = len(np.unique(labels)) == 2
    for a, b in combinations(contestants, 2):
        if len(a.repeats) > 1 or len(b.repeats) > 1:
            continue
        one, other = (next(iter(c.repeats.values())) for c in (a, b))
        right = [(frame["predicted"] == frame["label"]).to_numpy() for frame in (one, other)]
        tested = mcnemar(right[0], right[1], groups)
        rows.append(
            {
                "a": a.name,
                "b": b.name,
                "metric": "accuracy",
                "p_mcnemar": tested.p,
                "p_mcnemar_patients": tested.p_clustered,
            }
        )
        if both and a.classes == 2:
            scores = [frame["score"].to_numpy(np.float64) for frame in (one, other)]
            by_patient = np.nan
            with suppress(DataError):  # a class that stands in one patient only has no spread
                by_patient = delong(labels, scores[0], scores[1], groups).p
            rows.append(
                {
                    "a": a.name,
                    "b": b.name,
                    "metric": "auroc",
                    "p_delong": delong(labels, scores[0], scores[1]).p,
                    "p_delong_patients": by_patient,
                }
            )
    columns = ["a", "b", "metric", "p_delong", "p_delong_patients"]
    frame = pd.DataFrame(rows, columns=[*columns, "p_mcnemar", "p_mcnemar_patients"])
    return frame.astype({name: np.float64 for name in frame if str(name).startswith("p_")})


def _families(differences: pd.DataFrame, contestants: Sequence[Contestant]) -> pd.DataFrame:
    kind = {one.name: one.kind for one in contestants}
    sides = differences[["a", "b"]].map(kind.get) == "baseline"
    kept = differences[~sides.all(axis=1)].reset_index(drop=True)
    of_baseline = (kept[["a", "b"]].map(kind.get) == "baseline").any(axis=1)
    return kept.assign(family=np.where(of_baseline, "baselines", "settings"))


def _corrected(differences: pd.DataFrame, name: str) -> NDArray[np.float64]:
    p = differences[name].to_numpy(np.float64)
    out = np.full(len(p), np.nan)
    for rows in differences.groupby(["metric", "family"]).indices.values():
        known = rows[np.isfinite(p[rows])]
        if len(known):
            out[known] = holm(p[known])
    return out
