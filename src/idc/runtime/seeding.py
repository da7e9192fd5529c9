"""Seeds for the parts of a run, all derived from the one that the user gives."""

import numpy as np


def derive_seed(*parts: int) -> int:
    """A seed in 0..2^32-1 that depends on every part and on their order.

    Args:
        parts: Non-negative integers: the run's seed, then an epoch, a rank, a sample's key.
    """
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
