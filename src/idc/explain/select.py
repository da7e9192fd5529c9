"""Which patches to explain: a fixed, seeded choice of right and wrong ones."""

import numpy as np
from numpy.typing import NDArray

KINDS = ("TP", "FP", "FN", "TN")
KIND_WORDS = {
    "TP": "IDC found",
    "FP": "false alarm",
    "FN": "missed IDC",
    "TN": "rightly no IDC",
}


def select_cases(
    labels: NDArray[np.integer],
    predicted: NDArray[np.integer],
    per_kind: int,
    seed: int,
    classes: int = 2,
) -> dict[str, NDArray[np.int64]]:
    """Choose patches of every kind.

    The choice of one kind does not depend on how many there are of another.

    Args:
        labels: int (N,).
        predicted: int (N,).
        per_kind: How many of each kind; fewer where there are fewer.
        seed: Decides which.
        classes: Number of classes. With two, the kinds are TP, FP, FN, TN; with more, ``right``
            and ``wrong`` for each true class.

    Returns:
        Kind to sorted positions, int64; kinds that do not occur are empty.
    """
    if classes == 2:
        masks = {
            kind: (labels == (kind in ("TP", "FN"))) & (predicted == (kind in ("TP", "FP")))
            for kind in KINDS
        }
    else:
        masks = {
            f"class {label} {word}": (labels == label) & ((predicted == label) == right)
            for label in range(classes)
            for word, right in (("right", True), ("wrong", False))
        }
    chosen = {}
    for number, (kind, mask) in enumerate(masks.items()):
        pool = np.flatnonzero(mask)
        rng = np.random.default_rng((seed, number))
        chosen[kind] = np.sort(rng.permutation(pool)[:per_kind]).astype(np.int64)
    return chosen
