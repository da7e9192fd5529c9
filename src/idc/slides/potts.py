"""A conditional random field over the patches of a slide, solved by mean field."""

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from idc.errors import DataError
from idc.slides.patch_neighbours import Neighbours

DAMPING = 0.5  # weight of the old value: undamped parallel updates may oscillate
TOLERANCE = 1e-6  # largest change of a probability at convergence
MAX_ITERATIONS = 10_000
COLOURS = ("mean_r", "mean_g", "mean_b")


def mean_field(
    logits: NDArray[np.float64], neighbours: Neighbours, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Marginals of a two-class Potts field, approximated by mean field.

    The energy of labels y is ``-sum_i logits_i y_i + sum_(i,j) w_ij [y_i != y_j]`` over pairs of
    neighbours. Mean field (Winn & Bishop 2005; for dense fields Kraehenbuehl & Koltun 2011) is the
    closest product of independent patches, with ``logit q_i = logits_i + sum_j w_ij (2 q_j - 1)``:
    each neighbour adds up to w to the log-odds. The iteration starts from the scores, and updates
    all patches at once with damping until none changes by more than `TOLERANCE`. Mean field is
    more confident than the exact marginals, so the result is not calibrated.

    Args:
        logits: Log-odds of class 1 of each patch by itself, float64 (n,).
        neighbours: Neighbours within a radius of 1.
        weights: w of each pair, >= 0, symmetric, float64 (m,).

    Returns:
        Probability of class 1, float64 (n,) in [0, 1].
    """
    links = neighbours.matrix(2 * weights)
    bias = logits - np.asarray(links.sum(1)) / 2
    current: NDArray[np.float64] = expit(logits)
    for _ in range(MAX_ITERATIONS):
        updated = DAMPING * current + (1 - DAMPING) * expit(bias + links @ current)
        change = float(np.abs(updated - current).max(initial=0))
        current = updated
        if change <= TOLERANCE:
            return current
    warnings.warn(
        f"the random field did not converge: change {change:.1g} after {MAX_ITERATIONS:,} rounds",
        stacklevel=2,
    )
    return current


def colour_similarity(frame: pd.DataFrame, neighbours: Neighbours) -> NDArray[np.float64]:
    """Colour similarity of each pair, by which the coupling is scaled.

    ``exp(-d^2 / (2 <d^2>))`` for the distance d of their mean colours, where <d^2> is the mean over
    the pairs of the slide (Boykov & Jolly 2001; Rother et al. 2004), so that the slide's staining
    sets the scale.

    Args:
        frame: ``mean_r``, ``mean_g``, ``mean_b`` (0..255), n rows. A pair with a missing value
            counts as equal.
        neighbours: Neighbours of the patches.

    Returns:
        float64 (m,) in (0, 1].

    Raises:
        DataError: A column is missing.
    """
    missing = [name for name in COLOURS if name not in frame]
    if missing:
        raise DataError(
            f"smoothing crf_contrast requires the column {missing[0]} in the predictions; use crf."
        )
    colour = frame[list(COLOURS)].to_numpy(np.float64, na_value=np.nan)
    square = ((colour[neighbours.rows] - colour[neighbours.columns]) ** 2).sum(1)
    square = np.nan_to_num(square)
    slide = neighbours.slide[neighbours.rows]
    mean = np.bincount(slide, square) / np.maximum(np.bincount(slide), 1)
    return np.asarray(np.exp(-square / (2 * np.where(mean > 0, mean, 1.0)[slide])))
