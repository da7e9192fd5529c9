"""Orders of samples that depend on the seed and the epoch alone.

A sampler here gives *keys*, not row numbers: ``key = epoch * n + row``. So a worker that outlives
the epoch knows the epoch of each sample, augmentation can be a function of the key, and a run that
is resumed at epoch e sees what the unbroken run saw.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Sampler

from idc.errors import DataError
from idc.runtime.seeding import derive_seed

Sampling = Literal["shuffle", "balanced", "patients", "balanced_patients"]


class EpochSampler(Sampler[int]):
    """Training order: a permutation an epoch, or draws with replacement by weight.

    Args:
        n: Number of samples in the set.
        seed: The run's seed.
        weights: Per-sample weights, float (n,), for draws with replacement; None permutes.
        rank: This process's place among `world` processes.
        world: Number of processes; each gets ceil(n / world) samples of one common order.
    """

    def __init__(
        self,
        n: int,
        seed: int,
        weights: NDArray[np.float64] | None = None,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.n = n
        self.seed = seed
        self.weights = None if weights is None else torch.from_numpy(weights)
        self.rank = rank
        self.world = world
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (Lightning calls this)."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.n // self.world)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(derive_seed(self.seed, self.epoch))
        if self.weights is None:
            order = torch.randperm(self.n, generator=generator)
        else:
            order = torch.multinomial(self.weights, self.n, replacement=True, generator=generator)
        # Ranks must take the same number of steps, or the last gradient exchange hangs.
        short = len(self) * self.world - self.n
        order = torch.cat([order, order[:short]])[self.rank :: self.world]
        yield from (order + self.epoch * self.n).tolist()


def sampling_weights(
    kind: Sampling,
    members: NDArray[np.bool_],
    patients: NDArray[np.integer],
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64] | None:
    """Weights for `EpochSampler`, float64 (n,), which sum to 1; None for each patch once.

    Args:
        kind: What is drawn equally often; see `PatchDataModule`.
        members: Which classes each patch is of, bool (n, k); to be of none is a class too.
        patients: A number for the patient of each patch, int (n,).
        weights: Those of the index, float (n,), or None if it has none: how often a patch is drawn
            among those that it shares its class, or patient, or both with.

    Raises:
        DataError: No patch has a weight above 0.
    """
    if kind == "shuffle" and weights is None:
        return None
    own = np.ones(len(members)) if weights is None else weights
    drawn = own > 0
    if not drawn.any():
        raise DataError(
            "data.columns.weight: no training image has a weight above 0, so that none is drawn."
        )
    by_class, by_patient = kind.startswith("balanced"), kind.endswith("patients")
    every = (
        np.column_stack([members, ~members.any(1)]) if by_class else np.ones((len(own), 1), bool)
    )
    units = patients if by_patient else np.zeros(len(own), np.int64)
    classes = [one & drawn for one in every.T if (one & drawn).any()]
    shares = np.zeros(len(own))
    for of_class in classes:
        sums = np.bincount(units[of_class], own[of_class])
        shares[of_class] += own[of_class] / (sums[units[of_class]] * (sums > 0).sum())
    return np.asarray(shares / len(classes), np.float64)
