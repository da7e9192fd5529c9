"""A metric of the sample and of its resamples: interval and p-value from one and the same rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from idc.metrics.expansion import (
    effective_units,
    expanded_tail,
    fewest_units,
    p_from_tail,
)
from idc.metrics.resampling import Units
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
        units: Number of units.
    """

    value: float
    drawn: NDArray[np.float64]
    left_out: NDArray[np.float64]
    units: int

    def __sub__(self, other: "Spread") -> "Spread":
        """The difference on the same draws."""
        return Spread(
            round(self.value - other.value, NOISE),
            np.round(self.drawn - other.drawn, NOISE),
            np.round(self.left_out - other.left_out, NOISE),
            self.units,
        )

    @property
    def defined(self) -> bool:
        """Whether the sample has a value and at least one resample has."""
        return bool(np.isfinite(self.value) and np.isfinite(self.drawn).any())

    def interval(self, level: float) -> tuple[float, float]:
        """The expanded percentile interval (low, high); see `idc.metrics.expansion`.

        Args:
            level: Coverage aimed at, in (0, 1).
        """
        values = np.sort(self.drawn[np.isfinite(self.drawn)])
        tail = expanded_tail(level, self._effective(level))
        # The outermost value whose share of draws beyond it, with itself, is below the tail.
        place = max(0, int(np.ceil(tail * (len(values) + 1))) - 2)
        return float(values[place]), float(values[-1 - place])

    def p_value(self, level: float) -> float:
        """Two-sided p of the hypothesis that the true value is 0.

        Below 1 - `level` exactly when `interval` leaves out 0. One draw is counted at 0, so that p
        is never 0 (Davison & Hinkley 1997, section 4.2). Where all draws lie on one side of 0, they
        cannot tell how far beyond them it is: a normal distribution of their deviation then can, or
        no difference would stay after a correction for many pairs.

        Args:
            level: Of the interval that the p-value goes with.
        """
        values = self.drawn[np.isfinite(self.drawn)]
        beyond = min((values <= 0).sum(), (values >= 0).sum())
        tail = (1 + beyond) / (1 + len(values))
        if beyond == 0 and (deviation := values.std()) > 0:
            tail = min(tail, max(ndtr(-abs(self.value) / deviation), SMALLEST_TAIL))
        return p_from_tail(tail, self._effective(level))

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
        found[name] = Spread(value, drawn, values[1 : 1 + len(left_out)], units.count)
    return found


def mean_spread(repeats: Sequence[Spread]) -> Spread:
    """The mean of repeats (training seeds) on the same draws."""
    return Spread(
        float(np.mean([x.value for x in repeats])),
        np.mean([x.drawn for x in repeats], axis=0),
        np.mean([x.left_out for x in repeats], axis=0),
        repeats[0].units,
    )


def _without_noise(drawn: NDArray[np.float64], value: float) -> NDArray[np.float64]:
    """Calibration errors freed of what chance adds to them.

    The expected calibration error is a distance: chance only ever adds to it, as a variance adds to
    a square, once in the sample and once more in each resample. Of a well calibrated model all
    resamples would lie above the truth (``benchmarks/coverage.py``).
    """
    noise = (drawn**2).mean() - value**2
    return np.asarray(np.sqrt(np.maximum(drawn**2 - 2 * max(noise, 0.0), 0)))
