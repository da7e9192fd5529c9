"""Derivation of all seeds of a run from the user's seed."""

import numpy as np


def derive_seed(*parts: int) -> int:
    """Derive a seed in 0..2^32-1 from all parts and their order.

    Args:
        parts: Non-negative integers: the run's seed, then an epoch, a rank, a sample's key.
    """
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
