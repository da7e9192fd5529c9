"""Bootstrap distribution of a metric, with an interval and a p-value that agree.

Percentile intervals over few clusters are too narrow; these are the expanded percentile intervals
of Hesterberg 2015, "What Teachers Should Know About the Bootstrap".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr, ndtri, stdtr, stdtrit

from idc.metrics.resampling import FEW_PATIENTS, Clusters
from idc.metrics.statistics import Statistics

SMALLEST_TAIL = 1e-12  # lower bound of a tail probability
DECIMALS = 12  # of a difference: equal values may differ in the last bits
TINY = 1e-12  # below it values differ by rounding only


def effective_clusters(left_out: NDArray[np.float64], clusters: int) -> float:
    """Effective number of equal patients for the variance of a metric.

    Patients differ in size and in kind, so that a few may contribute most of a metric's variance,
    and its estimate is then as uncertain as from few patients. Degrees of freedom of Johnson & Rust
    1992, "Population inferences and variance estimation for NAEP data", plus 1.

    Args:
        left_out: The metric without each cluster (jackknife), float64 (clusters,), or empty.
        clusters: Number of clusters.

    Returns:
        A number in [2, clusters]; `clusters` where `left_out` is empty.
    """
    if not len(left_out):
        return float(clusters)
    if not np.isfinite(left_out).all():  # the metric depends on one patient
        return 2.0
    deviations = left_out - left_out.mean()
    scale = np.abs(deviations).max()
    if scale < TINY:
        return float(clusters)
    squares = (deviations / scale) ** 2
    degrees = (3.16 - 2.77 / np.sqrt(clusters)) * squares.sum() ** 2 / (squares**2).sum()
    return float(np.clip(degrees + 1, 2, clusters))


def expanded_tail(level: float, clusters: float) -> float:
    """Share of the draws beyond each end of the interval.

    Args:
        level: Nominal coverage, in (0, 1).
        clusters: n, possibly fractional; below 2 the share is 0.
    """
    if clusters < 2:
        return 0.0
    t = -stdtrit(clusters - 1, (1 - level) / 2)
    return float(ndtr(-np.sqrt(clusters / (clusters - 1)) * t))


def p_from_tail(tail: float, clusters: float) -> float:
    """Two-sided p-value at which the interval just reaches a value; inverts `expanded_tail`.

    Args:
        tail: Smaller share of the draws beyond the value, in (0, 1).
        clusters: n.
    """
    if clusters < 2 or tail >= 0.5:
        return 1.0
    return float(2 * stdtr(clusters - 1, ndtri(tail) * np.sqrt((clusters - 1) / clusters)))


def fewest_draws(level: float) -> int:
    """Fewest draws from which an interval of that level can be estimated: 42 for 95 %."""
    return int(np.ceil(2.1 / (1 - level)))


@cache
def _fewest_clusters(level: float, draws: int) -> float:
    """Fewest clusters whose expanded tail still contains a draw; 2 for too few draws."""
    clusters = 2
    while draws >= fewest_draws(level) and expanded_tail(level, clusters) * (draws + 1) <= 1:
        clusters += 1
    return float(clusters)


@dataclass(frozen=True, eq=False)
class Spread:
    """A metric, or a difference of two, with its bootstrap and jackknife values.

    Attributes:
        value: Of the sample.
        drawn: Of each resample, float64 (draws,); NaN if undefined.
        left_out: Of the sample without each cluster, float64 (clusters,), or empty.
        clusters: Number of clusters that contribute: for recall, those with a positive patch.
        scale: Scale on which the deviation is symmetric: ``logit`` for shares, ``log`` for
            positive values without an upper limit, ``plain`` for differences.
        min_error: Lower bound of the standard error: that of independent patches, or 0 if it is
            not defined. Few clusters may agree by chance.
    """

    value: float
    drawn: NDArray[np.float64]
    left_out: NDArray[np.float64]
    clusters: int
    scale: Literal["logit", "log", "plain"] = "plain"
    min_error: float = 0.0

    def __sub__(self, other: "Spread") -> "Spread":
        """Difference on the same draws."""
        return Spread(
            round(self.value - other.value, DECIMALS),
            np.round(self.drawn - other.drawn, DECIMALS),
            np.round(self.left_out - other.left_out, DECIMALS),
            min(self.clusters, other.clusters),
        )

    @property
    def defined(self) -> bool:
        """Whether the sample has a value and at least one resample has."""
        return bool(np.isfinite(self.value) and np.isfinite(self.drawn).any())

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval: not for a metric that depends on one cluster."""
        return self.defined and self.clusters > 1

    def interval(self, level: float) -> tuple[float, float]:
        """Interval (low, high); NaN without one, see `has_interval`.

        Draws of few clusters do not reach beyond the clusters themselves, so for fewer than
        `FEW_PATIENTS` the expanded percentile interval is widened to Student's t interval on the
        metric's scale. A share of exactly 0 or 1 has no variance; its bound is the largest (or
        lowest) share compatible with the data, as in the rule of three.

        Args:
            level: Nominal coverage, in (0, 1).
        """
        if not self.has_interval:
            return np.nan, np.nan
        if self.scale == "logit" and self.value in (0, 1):
            bound = ((1 - level) / 2) ** (1 / self.clusters)
            return (bound, 1.0) if self.value else (0.0, 1 - bound)
        values = np.sort(self._finite)
        tail = expanded_tail(level, self._effective(level))
        # The outermost value for which the share of draws at or beyond it is below the tail.
        place = max(0, int(np.ceil(tail * (len(values) + 1))) - 2)
        low, high = float(values[place]), float(values[-1 - place])
        if self.clusters >= FEW_PATIENTS:
            return low, high
        first, last = self._student_t(level)
        return min(low, first), max(high, last)

    def _student_t(self, level: float) -> tuple[float, float]:
        margin = -stdtrit(self._degrees_of_freedom, (1 - level) / 2) * self._error
        value = self.value
        if self.scale == "plain" or not margin or value <= 0:
            return value - margin, value + margin
        if self.scale == "log":
            return value * np.exp(-margin / value), value * np.exp(margin / value)
        margin /= value * (1 - value)
        return float(expit(logit(value) - margin)), float(expit(logit(value) + margin))

    def p_value(self, level: float) -> float:
        """Two-sided p-value of the hypothesis that the true value is 0.

        Below 1 - `level` exactly if `interval` excludes 0. One draw is added at 0, so that p is
        never 0 (Davison & Hinkley 1997, section 4.2). If all draws lie on one side of 0, the tail
        is that of a normal distribution with their deviation; else no difference could remain
        significant after a correction for many pairs. For few clusters it is the p-value of
        Student's t, if that is larger.

        Args:
            level: Nominal coverage of the interval that the p-value agrees with.

        Returns:
            In (0, 1]; NaN without an interval.
        """
        if not self.has_interval:
            return np.nan
        values = self._finite
        beyond = min((values <= 0).sum(), (values >= 0).sum())
        tail = (1 + beyond) / (1 + len(values))
        if beyond == 0 and (deviation := values.std()) > 0:
            tail = min(tail, max(ndtr(-abs(self.value) / deviation), SMALLEST_TAIL))
        p = p_from_tail(tail, self._effective(level))
        if self.clusters >= FEW_PATIENTS or not (error := self._error):
            return p
        return max(p, float(2 * stdtr(self._degrees_of_freedom, -abs(self.value) / error)))

    @property
    def _finite(self) -> NDArray[np.float64]:
        return self.drawn[np.isfinite(self.drawn)]

    @property
    def _error(self) -> float:
        """Standard error; the deviation of draws of n clusters is too low by sqrt((n - 1) / n)."""
        deviation = self._finite.std() * np.sqrt(self.clusters / (self.clusters - 1))
        return max(float(deviation), self.min_error)

    @property
    def _degrees_of_freedom(self) -> float:
        return effective_clusters(self.left_out, self.clusters) - 1

    def _effective(self, level: float) -> float:
        fewest = _fewest_clusters(level, len(self._finite))
        return max(effective_clusters(self.left_out, self.clusters), fewest)


def resample_metrics(
    statistics: Statistics, clusters: Clusters, draws: int, seed: int
) -> dict[str, Spread]:
    """Resample all metrics of a set of predictions.

    Args:
        statistics: Statistics that the metrics are computed from.
        clusters: Clusters to draw.
        draws: Number of resamples.
        seed: Seed of the draws.

    Returns:
        Name of each metric to its spread.
    """
    left_out = clusters.left_out()
    chunks = clusters.draws(draws, seed)
    first = np.concatenate([np.ones((1, clusters.count)), left_out, next(chunks)])
    parts = [statistics.values(weights) for weights in chain([first], chunks)]
    spreads = {}
    for name in statistics.names:
        values = np.concatenate([part[name] for part in parts])
        value, drawn = float(values[0]), values[1 + len(left_out) :]
        if name == "ece":
            drawn = _without_bias(drawn, value)
        left = values[1 : 1 + len(left_out)]
        scale: Literal["log", "logit"] = "log" if name == "log_loss" else "logit"
        floor = independent_error(value, statistics.denominator(name))
        spreads[name] = Spread(value, drawn, left, statistics.clusters_of(name), scale, floor)
    return spreads


def independent_error(rate: float, of: int) -> float:
    """Standard error of a share of `of` independent patches; 0 for none."""
    return float(np.sqrt(rate * (1 - rate) / of)) if of and 0 < rate < 1 else 0.0


def mean_spread(repeats: Sequence[Spread]) -> Spread:
    """Mean of repeats (training seeds) on the same draws."""
    return Spread(
        float(np.mean([x.value for x in repeats])),
        np.mean([x.drawn for x in repeats], axis=0),
        np.mean([x.left_out for x in repeats], axis=0),
        min(x.clusters for x in repeats),
        repeats[0].scale,
        max(x.min_error for x in repeats),
    )


def _without_bias(drawn: NDArray[np.float64], value: float) -> NDArray[np.float64]:
    """Calibration errors corrected for their upward bias.

    The expected calibration error is a distance, to which sampling noise only adds, as a variance
    adds to a square: once in the sample and once more in each resample. For a well calibrated
    model all resamples would lie above the truth (``benchmarks/coverage.py``).
    """
    variance = (drawn**2).mean() - value**2
    return np.asarray(np.sqrt(np.maximum(drawn**2 - 2 * max(variance, 0.0), 0)))
