"""A metric of the sample and of its resamples: interval and p-value from one and the same rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr, stdtr, stdtrit

from idc.metrics.expansion import (
    effective_units,
    expanded_tail,
    fewest_units,
    p_from_tail,
)
from idc.metrics.resampling import FEW_PATIENTS, Units
from idc.metrics.statistics import UnitStatistics

SMALLEST_TAIL = 1e-12  # smaller ones say no more than that there is hardly a doubt
NOISE = 12  # decimals that are kept of a difference: equal values differ in the last bits


@dataclass(frozen=True, eq=False)
class Spread:
    """A metric, or a difference of two.

    Attributes:
        value: Of the sample.
        drawn: Of each resample, float64 (draws,); NaN where it is undefined.
        left_out: Of the sample without each unit, float64 (units,), or empty.
        units: Number of units that it rests on: of recall, those with a positive patch.
        scale: On which its deviation is symmetric: ``logit`` for shares, ``log`` for what has no
            upper end, ``plain`` for differences.
        least: The standard error if patches were independent, where it is known, else 0. Few units
            may agree by luck, but they tell no more than that.
    """

    value: float
    drawn: NDArray[np.float64]
    left_out: NDArray[np.float64]
    units: int
    scale: Literal["logit", "log", "plain"] = "plain"
    least: float = 0.0

    def __sub__(self, other: "Spread") -> "Spread":
        """The difference on the same draws."""
        return Spread(
            round(self.value - other.value, NOISE),
            np.round(self.drawn - other.drawn, NOISE),
            np.round(self.left_out - other.left_out, NOISE),
            min(self.units, other.units),
        )

    @property
    def defined(self) -> bool:
        """Whether the sample has a value and at least one resample has."""
        return bool(np.isfinite(self.value) and np.isfinite(self.drawn).any())

    @property
    def has_interval(self) -> bool:
        """Whether there is one: a metric that rests on one unit says nothing of others."""
        return self.defined and self.units > 1

    def interval(self, level: float) -> tuple[float, float]:
        """The interval (low, high); NaN where there is none, see `has_interval`.

        It is the expanded percentile interval, see `idc.metrics.expansion`. Draws of few units
        reach no farther than the units themselves: of fewer than `FEW_PATIENTS` it is widened to
        Student's, on the metric's own scale. A share of exactly 0 or 1 has no spread; its bound
        says how frequent units that are otherwise may still be, as by the rule of three.

        Args:
            level: Coverage aimed at, in (0, 1).
        """
        if not self.has_interval:
            return np.nan, np.nan
        if self.scale == "logit" and self.value in (0, 1):
            bound = ((1 - level) / 2) ** (1 / self.units)
            return (bound, 1.0) if self.value else (0.0, 1 - bound)
        low, high = self._percentiles(level)
        if self.units >= FEW_PATIENTS:
            return low, high
        first, last = self._student(level)
        return min(low, first), max(high, last)

    def _percentiles(self, level: float) -> tuple[float, float]:
        values = np.sort(self.drawn[np.isfinite(self.drawn)])
        tail = expanded_tail(level, self._effective(level))
        # The outermost value whose share of draws beyond it, with itself, is below the tail.
        place = max(0, int(np.ceil(tail * (len(values) + 1))) - 2)
        return float(values[place]), float(values[-1 - place])

    def _student(self, level: float) -> tuple[float, float]:
        reach = -stdtrit(self._freedom, (1 - level) / 2) * self._error
        value = self.value
        if self.scale == "plain" or not reach or value <= 0:
            return value - reach, value + reach
        if self.scale == "log":
            return value * np.exp(-reach / value), value * np.exp(reach / value)
        reach /= value * (1 - value)
        return float(expit(logit(value) - reach)), float(expit(logit(value) + reach))

    @property
    def _error(self) -> float:
        """The standard error; draws of n units fall short of it by sqrt((n - 1) / n)."""
        drawn = self.drawn[np.isfinite(self.drawn)]
        return max(float(drawn.std() * np.sqrt(self.units / (self.units - 1))), self.least)

    @property
    def _freedom(self) -> float:
        return effective_units(self.left_out, self.units) - 1

    def p_value(self, level: float) -> float:
        """Two-sided p of the hypothesis that the true value is 0.

        Below 1 - `level` exactly when `interval` leaves out 0. One draw is counted at 0, so that p
        is never 0 (Davison & Hinkley 1997, section 4.2). Where all draws lie on one side of 0, they
        cannot tell how far beyond them it is: a normal distribution of their deviation then can, or
        no difference would stay after a correction for many pairs. Of few units it is Student's,
        where that is larger.

        Args:
            level: Of the interval that the p-value goes with.

        Returns:
            In (0, 1]; NaN where there is no interval.
        """
        if not self.has_interval:
            return np.nan
        values = self.drawn[np.isfinite(self.drawn)]
        beyond = min((values <= 0).sum(), (values >= 0).sum())
        tail = (1 + beyond) / (1 + len(values))
        if beyond == 0 and (deviation := values.std()) > 0:
            tail = min(tail, max(ndtr(-abs(self.value) / deviation), SMALLEST_TAIL))
        p = p_from_tail(tail, self._effective(level))
        if self.units >= FEW_PATIENTS or not (error := self._error):
            return p
        return max(p, float(2 * stdtr(self._freedom, -abs(self.value) / error)))

    def _effective(self, level: float) -> float:
        draws = int(np.isfinite(self.drawn).sum())
        return max(effective_units(self.left_out, self.units), fewest_units(level, draws))


def spreads(statistics: UnitStatistics, units: Units, draws: int, seed: int) -> dict[str, Spread]:
    """Resample.

    Args:
        statistics: What the metrics are computed from.
        units: What is drawn.
        draws: Number of resamples.
        seed: Fixes them.

    Returns:
        Each of the statistics' metrics to its spread.
    """
    left_out = units.left_out()
    chunks = units.draws(draws, seed)
    first = np.concatenate([np.ones((1, units.count)), left_out, next(chunks)])
    parts = [statistics.values(weights) for weights in chain([first], chunks)]
    found = {}
    for name in statistics.names:
        values = np.concatenate([part[name] for part in parts])
        value, drawn = float(values[0]), values[1 + len(left_out) :]
        if name == "ece":
            drawn = _without_noise(drawn, value)
        left = values[1 : 1 + len(left_out)]
        scale: Literal["log", "logit"] = "log" if name == "log_loss" else "logit"
        least = independent_error(value, statistics.share_of(name))
        found[name] = Spread(value, drawn, left, statistics.units_of(name), scale, least)
    return found


def independent_error(rate: float, of: int) -> float:
    """The standard error of a share of so many independent patches; 0 of none."""
    return float(np.sqrt(rate * (1 - rate) / of)) if of and 0 < rate < 1 else 0.0


def mean_spread(repeats: Sequence[Spread]) -> Spread:
    """The mean of repeats (training seeds) on the same draws."""
    return Spread(
        float(np.mean([x.value for x in repeats])),
        np.mean([x.drawn for x in repeats], axis=0),
        np.mean([x.left_out for x in repeats], axis=0),
        min(x.units for x in repeats),
        repeats[0].scale,
        max(x.least for x in repeats),
    )


def _without_noise(drawn: NDArray[np.float64], value: float) -> NDArray[np.float64]:
    """Calibration errors freed of what chance adds to them.

    The expected calibration error is a distance: chance only ever adds to it, as a variance adds to
    a square, once in the sample and once more in each resample. Of a well calibrated model all
    resamples would lie above the truth (``benchmarks/coverage.py``).
    """
    noise = (drawn**2).mean() - value**2
    return np.asarray(np.sqrt(np.maximum(drawn**2 - 2 * max(noise, 0.0), 0)))
