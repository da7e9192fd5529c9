"""The verdict on a method, from its measures."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from idc.attribution.faithfulness.place import TOO_MUCH
from idc.attribution.faithfulness.plan import FaithfulnessPlan
from idc.attribution.faithfulness.references import References, named

TRUST = "trust"
UNPROVEN = "not shown to beat random maps"
FAILS = "fails the weights check"
EMPTY = "says nothing"
VERDICTS = (TRUST, UNPROVEN, FAILS, EMPTY)
MARKS = {UNPROVEN: UNPROVEN, FAILS: FAILS, EMPTY: "its maps are empty"}
MOST_FLAT = 0.5  # share of the maps that may be empty


def judge(
    row: Mapping[str, Any], plan: FaithfulnessPlan, references: References
) -> tuple[str, str]:
    """Verdict and reasons of a method.

    Its maps must not be empty, and they must change when the weights are shuffled. And taking out
    and putting in pixels by them must move the probability more than by random maps: with the
    reference images that decide, the same for all methods and none that the method itself uses,
    beyond the interval and `plan.least_gain`; and not less with any other that counts.

    Args:
        row: Of `Faithfulness.table`.
        plan: The limits.
        references: What decides.
    """
    similarity = row["randomisation_similarity"]
    empty = row["flat_share"] > MOST_FLAT
    stays = similarity > plan.max_similarity
    proven, gain_words = _gain(row, plan, references)
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
    words = f"its maps change {at or 'when the weights are shuffled'} (similarity {similarity:.2f})"
    if until:
        words += (
            f", but stay alike (up to {row['randomisation_highest']:.2f}, more than {limit:.2f}) "
            f"until {until} is shuffled"
        )
    return words


def _gain(
    row: Mapping[str, Any], plan: FaithfulnessPlan, references: References
) -> tuple[bool, str]:
    """Whether the maps are better than random maps, in words."""
    numbers = f"{_numbers(row)}, pixels replaced by {named(references.deciding)}"
    if not references.counting:
        return False, (
            "it cannot be compared with random maps, as no reference image takes the class away "
            f"({numbers})"
        )
    if own := set(str(row["own_baselines"]).split(",")) & set(references.deciding):
        return False, (
            f"it is set against random maps with {named(sorted(own))}, which the method itself "
            f"uses, and no other reference image decides ({numbers})"
        )
    if not np.isfinite(row["drop_over_random_low"]):
        return False, f"one patient is too few to distinguish it from random maps ({numbers})"
    others = [name for name in references.counting if name not in references.deciding]
    if worse := [name for name in others if row[f"drop_over_random_{name}_high"] < 0]:
        theirs = " and ".join(f"{named([name])} ({_numbers(row, f'_{name}')})" for name in worse)
        return False, (
            f"it is worse than random maps of the same spectrum with {theirs}, beside a {numbers}"
        )
    if row["drop_over_random_high"] < 0:
        return False, f"it is worse than random maps of the same spectrum ({numbers})"
    if row["drop_over_random_low"] > plan.least_gain:
        return True, f"it is better than random maps of the same spectrum ({numbers})"
    return False, (
        "it is not shown to be better than random maps of the same spectrum by more than "
        f"{plan.least_gain:g} ({numbers})"
    )


def _numbers(row: Mapping[str, Any], which: str = "") -> str:
    """The gain and its interval, as the table has them."""
    gain, low, high = (row[f"drop_over_random{which}{end}"] for end in ("", "_low", "_high"))
    interval = f", 95 % interval {low:.3f} to {high:.3f}" if np.isfinite(low) else ""
    return f"gain {gain:.3f}{interval}"


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


def per_cent(share: float) -> str:
    """A share in [0, 1] in words."""
    return f"{100 * share:.0f} %"
