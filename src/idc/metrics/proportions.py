"""Intervals of rates whose patches come from patients."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from idc.metrics.decisions import Floats, share

Z = float(ndtri(0.975))


def clustered_interval(hits: NDArray[np.integer], of: NDArray[np.integer]) -> tuple[Floats, Floats]:
    """Wilson's 95 % interval of rates whose counts come from patients (Rao & Scott 1992).

    The variance of the rate over patients, as that of a ratio, over that of independent patches is
    the design effect; counts are divided by it where it is above 1.

    Args:
        hits: int (V, P), hits of each rate and patient.
        of: int (V, P), of how many.

    Returns:
        Low and high, each float64 (V,) in [0, 1]; NaN where a rate is of nothing.
    """
    total = of.sum(1)
    rate = share(hits.sum(1), total)
    patients = (of > 0).sum(1)
    spread = ((hits - np.nan_to_num(rate)[:, None] * of) ** 2).sum(1)
    between = share(spread * patients, (patients - 1) * total.astype(np.float64) ** 2)
    effect = np.fmax(share(between, share(rate * (1 - rate), total)), 1)  # NaN counts as 1
    return wilson(rate, total / effect)


def wilson(rate: Floats, of: Floats) -> tuple[Floats, Floats]:
    """Wilson's 95 % score interval (1927) of rates, for counts that need not be whole.

    Args:
        rate: float (n,) in [0, 1], NaN for 0 of 0.
        of: How many the rate is of, float (n,).

    Returns:
        Low and high, each float64 (n,) in [0, 1]; NaN where the rate is.
    """
    square = share(np.full(len(of), Z**2), of)
    middle = rate + square / 2
    reach = np.sqrt(square * (rate * (1 - rate) + square / 4))
    return (middle - reach).clip(0) / (1 + square), ((middle + reach) / (1 + square)).clip(None, 1)
