"""All metrics of a set of predictions, for many weightings of its clusters at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from idc.metrics.areas import Ranking
from idc.metrics.calibration_error import ERRORS, error_metric, error_terms
from idc.metrics.definitions import AREAS, AT_DECISION, DECISION_METRICS, Counts
from idc.metrics.grouped import confusion_matrices, decision_metrics, one_against_rest, share

DECIDED = {metric.name: metric for metric in DECISION_METRICS}


@dataclass(frozen=True, eq=False)
class Prediction:
    """Scores and decisions of one model.

    Attributes:
        scores: Two classes: probability of class 1, float (N,); more, or several labels: float
            (N, k). In [0, 1].
        decisions: Suffix of the metrics' names to predicted labels, int (N,), or of several labels
            (N, k), 0 or 1: ``""`` for those at the chosen threshold, ``_at_0.5`` for others.
    """

    scores: NDArray[np.floating]
    decisions: Mapping[str, NDArray[np.integer]] = field(default_factory=dict)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return 2 if self.scores.ndim == 1 else int(self.scores.shape[1])

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics that can be computed."""
        at_decision = [name + suffix for suffix in self.decisions for name in AT_DECISION]
        return [*at_decision, *AREAS, *ERRORS]

    def of_label(self, label: int) -> "Prediction":
        """The scores of one of several labels and the decisions on it, as those of two classes."""
        decisions = {suffix: called[:, label] for suffix, called in self.decisions.items()}
        return Prediction(self.scores[:, label], decisions)


class Statistics(Protocol):
    """What metrics of weighted clusters are computed from; see `ClusterStatistics`."""

    @property
    def names(self) -> list[str]:
        """The metrics that can be computed."""
        ...

    def values(self, weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """The metrics of weighted clusters."""
        ...

    def clusters_of(self, name: str) -> int:
        """Number of clusters that contribute to a metric."""
        ...

    def denominator(self, name: str) -> int:
        """Number of patches that a metric is a share of; 0 if it is not a simple share."""
        ...


def statistics_of(
    labels: NDArray[np.integer],
    prediction: Prediction,
    codes: NDArray[np.int64],
    clusters: int,
    metrics: Collection[str] | None = None,
) -> Statistics:
    """The statistics of one label per patch, int (N,), or of several, (N, k)."""
    kind = ClusterStatistics if np.ndim(labels) == 1 else LabelStatistics
    return kind(labels, prediction, codes, clusters, metrics)


class ClusterStatistics:
    """Sufficient statistics of the metrics, summed per cluster (patient or patch).

    Attributes:
        names: The metrics that can be computed; see `Prediction.metrics`.
    """

    def __init__(
        self,
        labels: NDArray[np.integer],
        prediction: Prediction,
        codes: NDArray[np.int64],
        clusters: int,
        metrics: Collection[str] | None = None,
    ) -> None:
        """Sum the statistics of each cluster.

        Args:
            labels: int (N,), 0..k-1, at least one.
            prediction: Prediction of the same N patches.
            codes: Cluster of each patch, int64 (N,), 0..clusters-1.
            clusters: Number of clusters.
            metrics: Metrics to compute; all by default.
        """
        truth, classes = np.asarray(labels, np.int64), prediction.classes
        self.names = [n for n in prediction.metrics if metrics is None or n in metrics]
        self._classes = classes
        self._matrices = {
            suffix: confusion_matrices(truth, predicted, codes, clusters, classes)
            for suffix, predicted in prediction.decisions.items()
            if any(name + suffix in self.names for name in AT_DECISION)
        }
        self._errors = {
            name: np.stack([np.bincount(codes, x, clusters) for x in term.T], axis=1)
            for name, term in error_terms(truth, prediction.scores).items()
            if name in self.names
        }
        self._patches = np.bincount(codes, minlength=clusters).astype(np.float64)
        of_class = np.zeros((clusters, classes), bool)
        of_class[codes, truth] = True
        self._class_clusters = of_class.sum(0)
        self._rankings: list[Ranking] = []
        if set(AREAS) & set(self.names):
            columns = enumerate(prediction.scores.T) if classes > 2 else [(1, prediction.scores)]
            self._rankings = [Ranking(truth == c, s, codes) for c, s in columns]

    def values(self, weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Compute the metrics of weighted clusters.

        Args:
            weights: How often each cluster counts: whole numbers, float64 (draws, clusters), with
                at least one patch in each row.

        Returns:
            Each of `names` to float64 (draws,), NaN if a draw lacks a class that the metric needs.
            Two classes: metrics of class 1. More: macro averages (accuracy: over patches), as in
            `idc.metrics.collection`.
        """
        values: dict[str, NDArray[np.float64]] = {}
        for suffix, matrices in self._matrices.items():
            cells = matrices.reshape(len(matrices), -1).astype(np.float64)
            drawn = np.rint(weights @ cells).reshape(-1, *matrices.shape[1:])
            values |= {f"{name}{suffix}": x for name, x in decision_metrics(drawn).items()}
        areas = [area for area in AREAS if area in self.names]
        ranked = [ranking.areas(weights, areas) for ranking in self._rankings]
        values |= {area: np.mean([x[area] for x in ranked], axis=0) for area in areas}
        patches = weights @ self._patches
        for name, sums in self._errors.items():
            values[name] = error_metric(name, weights @ sums, patches)
        return {name: values[name] for name in self.names}

    def clusters_of(self, name: str) -> int:
        """Number of clusters that contribute to a metric, with a patch that it counts.

        For recall, the clusters with a positive patch; for AUROC and other metrics of all classes,
        the clusters with the class that occurs in the fewest.

        Args:
            name: One of `names`.
        """
        base = name.partition("_at_")[0]
        if base in ERRORS or base == "accuracy":
            return len(self._patches)
        counts = DECIDED[base].counts if base in DECIDED else ""
        if self._classes > 2 or not counts:
            return int(min(held for held in self._class_clusters if held))
        return int((self._counts(name).sum(counts) > 0).sum())

    def denominator(self, name: str) -> int:
        """Number of patches that a metric is a share of; 0 if it is not a simple share.

        Args:
            name: One of `names`.
        """
        base = name.partition("_at_")[0]
        if base == "accuracy":
            return int(self._patches.sum())
        if self._classes > 2 or base not in DECIDED or not DECIDED[base].is_share:
            return 0
        return int(self._counts(name).sum(DECIDED[base].counts).sum())

    def _counts(self, name: str) -> Counts:
        """Counts of class 1 in each cluster, by the decisions of a metric."""
        _, at, threshold = name.partition("_at_")
        counts = one_against_rest(self._matrices[at + threshold])
        return Counts(*(count[:, 1] for count in counts))


class LabelStatistics:
    """The same of several labels, each as two classes: metrics are means over the labels.

    Over those that occur with both values, as the others have no AUROC, recall or F1; in a draw,
    over those whose metric it defines. Calibration errors are means over all labels.

    Attributes:
        names: See `ClusterStatistics`.
    """

    def __init__(
        self,
        labels: NDArray[np.integer],
        prediction: Prediction,
        codes: NDArray[np.int64],
        clusters: int,
        metrics: Collection[str] | None = None,
    ) -> None:
        """Sum the statistics of each cluster.

        The arguments are those of `ClusterStatistics`, but `labels` is int (N, k), 0 or 1.
        """
        truth = np.asarray(labels, np.int64)
        self.names = [n for n in prediction.metrics if metrics is None or n in metrics]
        self._of_label = [
            ClusterStatistics(column, prediction.of_label(i), codes, clusters, self.names)
            for i, column in enumerate(truth.T)
        ]
        both = occurs_with_both(truth)
        self._with_both = [one for one, use in zip(self._of_label, both, strict=True) if use]

    def values(self, weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """See `ClusterStatistics.values`; NaN if no label defines the metric."""
        each = {id(one): one.values(weights) for one in self._of_label}
        values = {}
        for name in self.names:
            rows = [each[id(one)][name] for one in self._over(name)]
            table = np.array(rows, np.float64).reshape(-1, len(weights))
            values[name] = share(np.nansum(table, axis=0), np.isfinite(table).sum(0))
        return values

    def clusters_of(self, name: str) -> int:
        """Of the label that the most clusters contribute to, 0 without a label."""
        return max((one.clusters_of(name) for one in self._over(name)), default=0)

    def denominator(self, name: str) -> int:
        """Of a single label; 0 for more, as a mean is no simple share."""
        over = self._over(name)
        return over[0].denominator(name) if len(over) == 1 else 0

    def _over(self, name: str) -> list[ClusterStatistics]:
        return self._of_label if name in ERRORS else self._with_both


def occurs_with_both(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Which of several labels, (N, k), some patches have and some have not: bool (k,)."""
    has = np.asarray(labels) == 1
    return np.asarray(has.any(0) & ~has.all(0))
