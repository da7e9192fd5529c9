"""What the measures of a method say, in words."""

from collections.abc import Mapping
from typing import Any

import numpy as np

TRUST = "trust"
UNPROVEN = "no better than a random map"
FAILS = "fails the weights check"
VERDICTS = (TRUST, UNPROVEN, FAILS)


def judge(row: Mapping[str, Any], max_similarity: float) -> tuple[str, str]:
    """Verdict and reasons of a method.

    It must fail neither: its maps change when the weights are shuffled, and taking out and putting
    in pixels by it moves the probability more than by random maps, beyond the interval.

    Args:
        row: ``drop_over_random``, ``_low``, ``_high`` and ``randomisation_similarity``.
        max_similarity: Limit of the similarity with all weights shuffled.
    """
    similarity = row["randomisation_similarity"]
    low, gain = row["drop_over_random_low"], row["drop_over_random"]
    stays = similarity > max_similarity
    proven = low > 0
    interval = _interval(row)
    words = []
    if stays:
        words.append(
            "its maps hardly change when all weights are shuffled "
            f"(similarity {similarity:.2f}, at most {max_similarity:.2f} is allowed), so they "
            "show the patch rather than what the network has learnt"
        )
    elif np.isfinite(similarity):
        words.append(f"its maps change when the weights are shuffled (similarity {similarity:.2f})")
    else:
        words.append("there are no weights to shuffle")
    if proven:
        words.append(f"it is better than random maps of the same spectrum by {gain:.3f}{interval}")
    elif np.isfinite(low):
        words.append(
            "it is not shown to be better than random maps of the same spectrum "
            f"(difference {gain:.3f}{interval})"
        )
    else:
        words.append("one patch is too few to tell it from random maps of the same spectrum")
    verdict = FAILS if stays else TRUST if proven else UNPROVEN
    return verdict, "; ".join(words)


def method_sentence(row: Mapping[str, Any], max_similarity: float) -> str:
    """A sentence on one method.

    Args:
        row: A row of `Faithfulness.table`.
        max_similarity: Limit of the weights check.
    """
    start = {
        TRUST: "{} can be trusted",
        UNPROVEN: "Do not rely on {}",
        FAILS: "Do not trust {}",
    }[row["verdict"]].format(row["method"])
    sentence = f"{start}: {row['reasons']}."
    if np.isfinite(row["localisation"]):
        sentence += (
            f" Its strongest pixel hits the true signal in {_per_cent(row['pointing_game'])} of "
            f"patches ({_per_cent(row['pointing_chance'])} by chance), and a pixel of it is "
            f"rated above one beside it in {_per_cent(row['localisation'])} of pairs "
            "(50 % by chance)."
        )
    return sentence


def _per_cent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _interval(row: Mapping[str, Any]) -> str:
    low, high = row["drop_over_random_low"], row["drop_over_random_high"]
    return f", 95 % interval {low:.3f} to {high:.3f}" if np.isfinite([low, high]).all() else ""
