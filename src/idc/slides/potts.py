"""A conditional random field over the patches of a slide, solved by mean field."""

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from idc.errors import DataError
from idc.slides.patch_neighbours import Neighbours

DAMPING = 0.5  # share of the old value that is kept: undamped parallel updates may swing
TOLERANCE = 1e-6  # largest change of a probability at which the field has settled
ROUNDS = 10_000
COLOURS = ("mean_r", "mean_g", "mean_b")


def mean_field(
    logits: NDArray[np.float64], neighbours: Neighbours, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Marginals of a two-class Potts field, approximated by mean field.

    The energy of labels y is ``-sum_i logits_i y_i + sum_(i,j) w_ij [y_i != y_j]`` over pairs of
    neighbours. Mean field (Winn & Bishop 2005; Kraehenbuehl & Koltun 2011 solve denser fields so)
    takes the nearest product of independent patches, which fulfils ``logit q_i = logits_i +
    sum_j w_ij (2 q_j - 1)``: each neighbour adds up to w to the log odds. It starts from the scores
    themselves. All patches are updated at once and damped, until none moves by more than
    `TOLERANCE`. Mean field is surer of itself than the exact marginals are: do not read the result
    as calibrated.

    Args:
        logits: Log odds of class 1 of each patch by itself, float64 (n,).
        neighbours: Those of a radius of 1.
        weights: w of each pair, >= 0, the same both ways round, float64 (m,).

    Returns:
        Probability of class 1, float64 (n,) in [0, 1].
    """
    links = neighbours.matrix(2 * weights)
    alone = logits - np.asarray(links.sum(1)) / 2
    now: NDArray[np.float64] = expit(logits)
    for _ in range(ROUNDS):
        after = DAMPING * now + (1 - DAMPING) * expit(alone + links @ now)
        moved = float(np.abs(after - now).max(initial=0))
        now = after
        if moved <= TOLERANCE:
            return now
    warnings.warn(
        f"the random field still moved by {moved:.1g} after {ROUNDS:,} rounds", stacklevel=2
    )
    return now


def contrast(frame: pd.DataFrame, neighbours: Neighbours) -> NDArray[np.float64]:
    """How alike in colour the patches of each pair are: the pull between them falls with contrast.

    ``exp(-d^2 / (2 <d^2>))`` for the distance d of their mean colours, where <d^2> is the mean over
    the pairs of the slide (Boykov & Jolly 2001; Rother et al. 2004), so that a slide's own staining
    sets the scale.

    Args:
        frame: ``mean_r``, ``mean_g``, ``mean_b`` (0..255), n rows. Where one is missing, so is the
            contrast, and the pair counts as alike.
        neighbours: Of its patches.

    Returns:
        float64 (m,) in (0, 1].

    Raises:
        DataError: A column is missing.
    """
    missing = [name for name in COLOURS if name not in frame]
    if missing:
        raise DataError(
            f"smoothing crf_contrast needs the column {missing[0]} of the predictions; choose crf."
        )
    colour = frame[list(COLOURS)].to_numpy(np.float64, na_value=np.nan)
    square = ((colour[neighbours.rows] - colour[neighbours.columns]) ** 2).sum(1)
    square = np.nan_to_num(square)
    slide = neighbours.slide[neighbours.rows]
    mean = np.bincount(slide, square) / np.maximum(np.bincount(slide), 1)
    return np.asarray(np.exp(-square / (2 * np.where(mean > 0, mean, 1.0)[slide])))
