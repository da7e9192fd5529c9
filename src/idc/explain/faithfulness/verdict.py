"""What the measures of a method say, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from idc.explain.faithfulness.border import TOO_MUCH
from idc.explain.faithfulness.plan import MOST_LEFT, FaithfulnessPlan

TRUST = "trust"
UNPROVEN = "not shown to beat random maps"
FAILS = "fails the weights check"
EMPTY = "says nothing"
VERDICTS = (TRUST, UNPROVEN, FAILS, EMPTY)
MARKS = {UNPROVEN: UNPROVEN, FAILS: FAILS, EMPTY: "its maps are empty"}
MOST_FLAT = 0.5  # share of the maps that may say nothing
BASELINES = {
    "white": "white",
    "grey": "grey",
    "mean": "the mean colour",
    "black": "black",
    "blur": "a blur",
}


def counting(row: Mapping[str, Any], plan: FaithfulnessPlan) -> list[str]:
    """The baselines that take the class away, so that they tell something.

    Args:
        row: ``probability`` and ``probability_lowest_<baseline>``.
        plan: Which baselines there are.
    """
    most = MOST_LEFT * row["probability"]
    return [name for name in plan.baselines if row[f"probability_lowest_{name}"] <= most]


def foreign(row: Mapping[str, Any], plan: FaithfulnessPlan) -> list[str]:
    """Of the baselines that count, those that the method does not itself reckon from.

    With its own a method would be judge in its own cause.

    Args:
        row: As for `counting`, and ``own_baselines``.
        plan: Which baselines there are.
    """
    own = str(row["own_baselines"]).split(",")
    return [name for name in counting(row, plan) if name not in own]


def judge(row: Mapping[str, Any], plan: FaithfulnessPlan) -> tuple[str, str]:
    """Verdict and reasons of a method.

    Its maps must say something, and they must change when the weights are shuffled. And taking out
    and putting in pixels by them must move the probability more than by random maps: on average
    over the baselines that take the class away and that the method does not itself reckon from
    (``proof``), beyond the interval and `plan.least_gain`; and with no baseline less.

    Args:
        row: Of `Faithfulness.table`.
        plan: The baselines and the limits.
    """
    similarity = row["randomisation_similarity"]
    empty = row["flat_share"] > MOST_FLAT
    stays = similarity > plan.max_similarity
    proven, gain_words = _gain(row, plan)
    words = []
    if row["flat_share"] > 0:
        words.append(f"its maps are empty in {per_cent(row['flat_share'])} of the patches")
    words += [_weights(row, plan), gain_words]
    if row["border_mass"] > TOO_MUCH * row["border_area"]:
        words.append(
            f"it puts {per_cent(row['border_mass'])} of its weight on the patch's edge, which is "
            f"{per_cent(row['border_area'])} of its area: likely padding"
        )
    verdict = EMPTY if empty else FAILS if stays else TRUST if proven else UNPROVEN
    return verdict, "; ".join(words)


def _weights(row: Mapping[str, Any], plan: FaithfulnessPlan) -> str:
    """What shuffling the weights does to the maps."""
    similarity, layer = row["randomisation_similarity"], row["randomisation_layer"]
    until = row["randomisation_until"]
    limit = plan.max_similarity
    if not np.isfinite(similarity):
        if row["flat_share"] == 1:
            return "there is nothing in them that shuffled weights could change"
        if row["randomisation_blocks"]:
            return (
                "with shuffled weights its maps are empty, so the weights check cannot compare them"
            )
        return "there are no weights to shuffle"
    at = f"once {layer} is shuffled; further on they are empty" if layer else ""
    if similarity > limit:
        return (
            f"its maps hardly change {at or 'when all weights are shuffled'} "
            f"(similarity {similarity:.2f}, at most {limit:.2f} is allowed), so they "
            "show the patch rather than what the network has learnt"
        )
    said = f"its maps change {at or 'when the weights are shuffled'} (similarity {similarity:.2f})"
    if until:
        said += (
            f", but stay alike (up to {row['randomisation_highest']:.2f}, more than {limit:.2f}) "
            f"until {until} is shuffled"
        )
    return said


def _gain(row: Mapping[str, Any], plan: FaithfulnessPlan) -> tuple[bool, str]:
    """Whether the maps are better than random maps, in words."""
    counts, proving = counting(row, plan), foreign(row, plan)
    if not counts:
        return False, (
            "it cannot be told from random maps, as no baseline takes the class away (its "
            f"probability of {row['probability']:.2f} becomes {_left(row, plan.baselines)})"
        )
    if not proving:
        return False, (
            f"it is set against random maps {_with(row, counts)} alone, which is what the method "
            "itself reckons from; no other baseline takes the class away"
        )
    if not np.isfinite(row["proof_low"]):
        return False, "one patch is too few to tell it from random maps of the same spectrum"
    if worse := [name for name in counts if row[f"drop_over_random_{name}_high"] < 0]:
        return False, f"it is worse than random maps of the same spectrum {_with(row, worse)}"
    alone = ", the only baseline that counts" if len(counts) == 1 else ""
    if row["proof_low"] > plan.least_gain:
        words = f"it is better than random maps of the same spectrum {_with(row, proving)}{alone}"
        return True, words
    return False, (
        "it is not shown to be better than random maps of the same spectrum by more than "
        f"{plan.least_gain:g} {_with(row, proving)}{alone}"
    )


def method_sentence(row: Mapping[str, Any]) -> str:
    """A sentence on one method.

    Args:
        row: A row of `Faithfulness.table`.
    """
    start = {
        TRUST: "{} can be trusted",
        UNPROVEN: "Do not rely on {}",
        FAILS: "Do not trust {}",
        EMPTY: "{} says nothing",
    }[row["verdict"]].format(row["method"])
    sentence = f"{start}: {row['reasons']}."
    if np.isfinite(row["localisation"]):
        sentence += (
            f" Its strongest pixel hits the true signal in {per_cent(row['pointing_game'])} of "
            f"patches ({per_cent(row['pointing_chance'])} by chance), and a pixel of it is "
            f"rated above one beside it in {per_cent(row['localisation'])} of pairs "
            "(50 % by chance)."
        )
    return sentence


def baseline_sentences(row: Mapping[str, Any], plan: FaithfulnessPlan) -> list[str]:
    """Which baselines count for nothing, and whether the verdicts rest on one alone.

    Args:
        row: A row of `Faithfulness.table`, any.
        plan: Which baselines there are.
    """
    counts = counting(row, plan)
    idle = [name for name in plan.baselines if name not in counts]
    lines = []
    if idle:
        lines.append(
            f"As pixels are replaced the class keeps a probability of {_left(row, idle)} or more "
            f"({row['probability']:.2f} in the patches), so {_names(idle)} counted for nothing"
            + ("." if counts else ": choose other explain.faithfulness.baselines.")
        )
    if len(counts) == 1:
        lines.append(
            f"The verdicts rest on one baseline, {_names(counts)}, which suits methods that "
            "compare with it themselves; explain.faithfulness.baselines takes several."
        )
    return lines


def per_cent(share: float) -> str:
    """A share in [0, 1] in words."""
    return f"{100 * share:.0f} %"


def _names(baselines: Sequence[str]) -> str:
    return " and ".join(BASELINES[name] for name in baselines)


def _left(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(
        f"{row[f'probability_lowest_{name}']:.2f} with {BASELINES[name]}" for name in names
    )


def _with(row: Mapping[str, Any], names: Sequence[str]) -> str:
    """The gain with each of some baselines."""
    parts = []
    for name in names:
        gain, low, high = (row[f"drop_over_random_{name}{end}"] for end in ("", "_low", "_high"))
        numbers = f"gain {gain:.3f}, 95 % interval {low:.3f} to {high:.3f}"
        parts.append(f"with {BASELINES[name]} ({numbers})")
    return " and ".join(parts)
