"""Significance tests between classifiers that were tested on the same patches."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.comparison.contestant import Contestant
from idc.errors import DataError
from idc.evaluation.predictions import labels_of, prediction_of
from idc.metrics.bootstrap import compare_paired, holm
from idc.metrics.definitions import METRICS as DEFINED
from idc.metrics.delong import delong
from idc.metrics.mcnemar import mcnemar

RANKED_BY = "f1"
COMPARED = [metric.name for metric in DEFINED.values() if metric.compared]
# Columns of the leaderboard; McNemar's test is one of accuracies, which it does not list.
BOARD = (RANKED_BY, *(name for name in COMPARED if name not in (RANKED_BY, "accuracy")))
METRICS = (*BOARD, "accuracy")


@dataclass(frozen=True)
class Comparison:
    """Result of a comparison.

    Attributes:
        metrics: The metrics that were compared.
        estimates: One row per contestant and metric: ``name``, ``metric``, ``value``, ``low``,
            ``high``, ``patients``.
        differences: One row per pair and metric: ``a``, ``b``, ``metric``, ``difference``,
            ``low``, ``high``, ``patients``, ``family`` (``settings`` or ``baselines``), ``p``,
            ``p_holm`` and ``apart`` (bool: significant, `p_holm` is below `level`), which all
            sentences, tables and figures use. If each contestant has one repeat, AUROC rows also
            have ``p_delong`` and ``p_delong_patients``, and accuracy rows ``p_mcnemar`` and
            ``p_mcnemar_patients``, each with ``_holm``.
        level: Significance level (family-wise error rate).
    """

    metrics: tuple[str, ...]
    estimates: pd.DataFrame
    differences: pd.DataFrame
    level: float


def compare(
    contestants: Sequence[Contestant],
    metrics: Sequence[str] = METRICS,
    draws: int = 2000,
    level: float = 0.95,
) -> Comparison:
    """Compare every pair of contestants on the same patches, by patient.

    Differences and their p-values come from a paired cluster bootstrap. DeLong's and McNemar's
    tests, for independent patches and clustered by patient, are reported in addition. All p-values
    are corrected by Holm's method within each metric and family: pairs of settings, and settings
    against baselines. Pairs of baselines are not compared.

    Args:
        contestants: Two or more, tested on the same patches; see `require_same_patches`.
        metrics: Metrics to compare.
        draws: Number of bootstrap draws.
        level: Nominal coverage of the intervals; 1 - level is the significance level.
    """
    first = next(iter(contestants[0].repeats.values()))
    labels = labels_of(first, contestants[0].classes)
    patients = first["patient"].to_numpy(object)
    predictions = {
        contestant.name: [
            prediction_of(frame, contestant.classes) for frame in contestant.repeats.values()
        ]
        for contestant in contestants
    }
    paired = compare_paired(labels, patients, predictions, tuple(metrics), draws, level)
    differences = paired.pairs.merge(
        _classical(contestants, labels, patients), on=["a", "b", "metric"], how="left"
    )
    differences = _families(differences, contestants)
    for name in ("p", "p_delong", "p_delong_patients", "p_mcnemar", "p_mcnemar_patients"):
        differences[f"{name}_holm"] = _corrected(differences, name)
    differences["apart"] = differences["p_holm"] < 1 - level  # NaN is not
    estimates = paired.intervals.rename(columns={"contestant": "name"})
    return Comparison(tuple(metrics), estimates, differences, 1 - level)


def _classical(
    contestants: Sequence[Contestant], labels: NDArray[np.int64], patients: NDArray[np.object_]
) -> pd.DataFrame:
    """DeLong's and McNemar's tests of pairs with one repeat each; of one label per image."""
    rows = []
    binary = len(np.unique(labels)) == 2
    for a, b in combinations(contestants if labels.ndim == 1 else (), 2):
        if len(a.repeats) > 1 or len(b.repeats) > 1:
            continue
        contestant, other = (next(iter(c.repeats.values())) for c in (a, b))
        correct = [
            (frame["predicted"] == frame["label"]).to_numpy() for frame in (contestant, other)
        ]
        tested = mcnemar(correct[0], correct[1], patients)
        rows.append(
            {
                "a": a.name,
                "b": b.name,
                "metric": "accuracy",
                "p_mcnemar": tested.p,
                "p_mcnemar_patients": tested.p_clustered,
            }
        )
        if binary and a.classes == 2:
            scores = [frame["score"].to_numpy(np.float64) for frame in (contestant, other)]
            by_patient = np.nan
            with suppress(DataError):  # undefined if a class occurs in one patient only
                by_patient = delong(labels, scores[0], scores[1], patients).p
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
    kind = {contestant.name: contestant.kind for contestant in contestants}
    is_baseline = differences[["a", "b"]].map(kind.get) == "baseline"
    kept = differences[~is_baseline.all(axis=1)].reset_index(drop=True)
    of_baseline = (kept[["a", "b"]].map(kind.get) == "baseline").any(axis=1)
    return kept.assign(family=np.where(of_baseline, "baselines", "settings"))


def _corrected(differences: pd.DataFrame, name: str) -> NDArray[np.float64]:
    p = differences[name].to_numpy(np.float64)
    corrected = np.full(len(p), np.nan)
    for rows in differences.groupby(["metric", "family"]).indices.values():
        tested = rows[np.isfinite(p[rows])]
        if len(tested):
            corrected[tested] = holm(p[tested])
    return corrected
