"""All metrics of a set of predictions, for many weightings of its units at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from idc.errors import DataError
from idc.metrics.decisions import Decisions, confusion_matrices, macro_metrics
from idc.metrics.ranking import AREAS, Ranking, build_ranking
from idc.metrics.score_errors import ERRORS, error_metric, error_terms

AT_DECISION = ("accuracy", "balanced_accuracy", "precision", "recall", "specificity", "f1")


@dataclass(frozen=True, eq=False)
class Prediction:
    """What one model says of each patch.

    Attributes:
        scores: Two classes: probability of class 1, float (N,); more: float (N, k). In [0, 1].
        decisions: Suffix of the metrics' names to predicted labels, int (N,): ``""`` for those at
            the chosen threshold, ``_at_0.5`` for others.
    """

    scores: NDArray[np.floating]
    decisions: Mapping[str, NDArray[np.integer]] = field(default_factory=dict)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return 2 if self.scores.ndim == 1 else int(self.scores.shape[1])

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics that can be had."""
        at_decision = [name + suffix for suffix in self.decisions for name in AT_DECISION]
        return [*at_decision, *AREAS, *ERRORS]


class UnitStatistics:
    """What the metrics are computed from, summed a unit (patient or patch).

    Attributes:
        names: The metrics to be had from it; see `Prediction.metrics`.
    """

    def __init__(
        self,
        labels: NDArray[np.integer],
        prediction: Prediction,
        codes: NDArray[np.int64],
        units: int,
        metrics: Collection[str] | None = None,
    ) -> None:
        """Sum a unit.

        Args:
            labels: int (N,), 0..k-1.
            prediction: Of the same N patches.
            codes: Unit of each patch, int64 (N,), 0..units-1.
            units: Number of units.
            metrics: Those to compute; all by default.

        Raises:
            DataError: There are no patches, lengths differ, or a label is outside 0..k-1.
        """
        truth, classes = _checked(labels, prediction), prediction.classes
        self.names = [n for n in prediction.metrics if metrics is None or n in metrics]
        self._classes = classes
        self._cells = {
            suffix: confusion_matrices(truth, predicted, codes, units, classes)
            .reshape(units, classes**2)
            .astype(np.float64)
            for suffix, predicted in prediction.decisions.items()
            if any(name + suffix in self.names for name in AT_DECISION)
        }
        self._errors = {
            name: np.stack([np.bincount(codes, x, units) for x in term.T], axis=1)
            for name, term in error_terms(truth, prediction.scores).items()
            if name in self.names
        }
        self._patches = np.bincount(codes, minlength=units).astype(np.float64)
        of_class = np.zeros((units, classes), bool)
        of_class[codes, truth] = True
        self._holders = of_class.sum(0)
        self._of_class = np.bincount(truth, minlength=classes)
        self._rankings: list[Ranking] = []
        if set(AREAS) & set(self.names):
            sides = enumerate(prediction.scores.T) if classes > 2 else [(1, prediction.scores)]
            self._rankings = [build_ranking(truth == c, s, codes, units) for c, s in sides]

    def values(self, weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """The metrics of weighted units.

        Args:
            weights: How often each unit counts: whole numbers, float64 (draws, units), at least
                one patch in each row.

        Returns:
            Each of `names` to float64 (draws,), NaN where a draw lacks a class that the metric
            needs. Two classes: those of class 1. More: macro averages (accuracy: over patches),
            as in `idc.metrics.collection`.
        """
        found: dict[str, NDArray[np.float64]] = {}
        for suffix, cells in self._cells.items():
            matrices = np.rint(weights @ cells).astype(np.int64)
            found |= {f"{name}{suffix}": x for name, x in self._at_decision(matrices).items()}
        wanted = [area for area in AREAS if area in self.names]
        ranked = [ranking.areas(weights, wanted) for ranking in self._rankings]
        found |= {area: np.mean([x[area] for x in ranked], axis=0) for area in wanted}
        patches = weights @ self._patches
        for name, sums in self._errors.items():
            found[name] = error_metric(name, weights @ sums, patches)
        return {name: found[name] for name in self.names}

    def units_of(self, name: str) -> int:
        """How many units a metric rests on: those without any patch that it counts say nothing.

        Recall rests on the units with a positive patch; AUROC and whatever looks at all classes
        on those of the class that fewest have.

        Args:
            name: One of `names`.
        """
        base = name.partition("_at_")[0]
        if base in ERRORS or base == "accuracy":
            return len(self._patches)
        if self._classes > 2 or base in (*AREAS, "balanced_accuracy"):
            return int(min(held for held in self._holders if held))
        if base in ("recall", "specificity"):
            return int(self._holders[1 if base == "recall" else 0])
        tn, _, fn, _ = self._cells[name.removeprefix(base)].T
        counted = self._patches - tn - (fn if base == "precision" else 0)
        return int((counted > 0).sum())

    def share_of(self, name: str) -> int:
        """Of how many patches a metric is a share; 0 for what is no plain share.

        Args:
            name: One of `names`.
        """
        base = name.partition("_at_")[0]
        if base == "accuracy":
            return int(self._patches.sum())
        if self._classes > 2 or base not in ("recall", "specificity", "precision"):
            return 0
        if base == "precision":
            return int(self._cells[name.removeprefix(base)][:, [1, 3]].sum())
        return int(self._of_class[1 if base == "recall" else 0])

    def _at_decision(self, matrices: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        if self._classes == 2:
            tn, fp, fn, tp = matrices.T
            return Decisions(tp, fp, fn, tn).metrics()
        return macro_metrics(matrices.reshape(-1, self._classes, self._classes))


def _checked(labels: NDArray[np.integer], prediction: Prediction) -> NDArray[np.int64]:
    truth = np.asarray(labels, np.int64)
    columns: dict[str, NDArray[np.generic]] = {"scores": prediction.scores}
    columns |= {f"decisions{suffix}": x for suffix, x in prediction.decisions.items()}
    for name, column in columns.items():
        if len(column) != len(truth):
            raise DataError(
                f"predictions: {len(column)} {name} for {len(truth)} labels; give one a patch."
            )
    if not len(truth):
        raise DataError("predictions: there are none; nothing to measure.")
    if truth.min() < 0 or truth.max() >= prediction.classes:
        raise DataError(
            f"predictions: labels run from {truth.min()} to {truth.max()}, but the scores are of "
            f"{prediction.classes} classes; labels must be 0 to {prediction.classes - 1}."
        )
    return truth
