"""Which channels of a layer to show: those that vary, each unlike the others."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

NOTHING = 1e-6  # of the largest variance: below, a channel is constant or adds nothing


class Moments:
    """Sums over many maps that give their channels' covariance, in float64.

    Args:
        channels: Number of channels.
    """

    def __init__(self, channels: int) -> None:
        self.count = 0
        self.low = np.full(channels, np.inf)
        self.high = np.full(channels, -np.inf)
        self._sum = np.zeros(channels)
        self._products = np.zeros((channels, channels))

    def add(self, maps: Tensor) -> None:
        """Count the positions of some maps, (n, C, h, w)."""
        values = maps.cpu().transpose(0, 1).flatten(1).double().numpy()
        self.count += values.shape[1]
        self.low = np.minimum(self.low, values.min(1))
        self.high = np.maximum(self.high, values.max(1))
        self._sum += values.sum(1)
        self._products += values @ values.T

    def covariance(self) -> NDArray[np.float64]:
        """float64 (C, C), over all positions of all maps."""
        mean = self._sum / self.count
        found = np.asarray(self._products / self.count - np.outer(mean, mean))
        constant = self.low == self.high  # rounding would leave a little
        found[constant], found[:, constant] = 0.0, 0.0
        return found


def choose_channels(covariance: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The channels that vary most, each for what those before it do not show already.

    The first has the largest variance; each further one the largest variance left after a linear
    regression on those chosen (Cholesky with pivoting of the covariance), so that of channels that
    say the same only one is taken. When nothing is left, the rest follow by their own variance.
    A channel that is constant, or nearly so beside the others, is never taken.

    Args:
        covariance: float64 (C, C).
        count: How many at most.

    Returns:
        int64 (c,), c <= count, in the order chosen.
    """
    own = np.diag(covariance).clip(0).copy()
    least = NOTHING * own.max(initial=0.0)
    left = own.copy()
    chosen: list[int] = []
    directions: list[NDArray[np.float64]] = []
    while len(chosen) < min(count, len(own)):
        best = int(left.argmax())
        if left[best] <= least:
            break
        column = covariance[:, best] - sum((d * d[best] for d in directions), np.zeros(len(own)))
        directions.append(column / np.sqrt(left[best]))
        left = left - directions[-1] ** 2
        chosen.append(best)
        left[chosen] = -np.inf
    order = np.argsort(-own, kind="stable").tolist()
    rest = [i for i in order if own[i] > least and i not in chosen]
    return np.array([*chosen, *rest][:count], np.int64)
