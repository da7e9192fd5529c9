"""Which reference images decide, for all methods of a run, and the verdict on each method."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idc.attribution.faithfulness.map_measures import TOO_MUCH
from idc.attribution.faithfulness.plan import MOST_LEFT, FaithfulnessPlan
from idc.text import listing

NAMES = {"mean": "the mean colour", "blur": "a blur"}  # the others are words already
TRUST = "trust"
UNPROVEN = "not shown to beat random maps"
FAILS = "fails the weights check"
EMPTY = "says nothing"
VERDICTS = (TRUST, UNPROVEN, FAILS, EMPTY)
MARKS = {UNPROVEN: UNPROVEN, FAILS: FAILS, EMPTY: "its maps are empty"}
MOST_FLAT = 0.5  # share of the maps that may be empty


@dataclass(frozen=True)
class References:
    """The reference images that replace pixels, and those that decide.

    Attributes:
        probability: Of the class in the patches, mean.
        left: Reference image to the lowest mean probability as pixels are replaced by it, in an
            order of no method: that of random maps as smooth as the patches' brightness.
        deciding: Those whose gain the verdicts rest on: they take the class away and are used by
            the fewest methods. Where none takes it away, all of them.
    """

    probability: float
    left: Mapping[str, float]
    deciding: tuple[str, ...]

    @property
    def counting(self) -> list[str]:
        """The reference images that take the class away, and so measure something."""
        return [name for name, left in self.left.items() if left <= MOST_LEFT * self.probability]

    def sentences(self, owners: Mapping[str, Sequence[str]]) -> list[str]:
        """What decides, and which reference images do not count or not decide.

        `owners` has each method's own reference images.
        """
        counting = self.counting
        idle = [name for name in self.left if name not in counting]
        lines = []
        if idle:
            kept = ", ".join(f"{self.left[name]:.2f} with {named([name])}" for name in idle)
            lines.append(
                f"As pixels are replaced, in an order of no method, the class keeps a "
                f"probability of {kept} or more ({self.probability:.2f} in the patches): that "
                + ("does not count." if counting else "measures no method.")
            )
        if not counting:
            return [*lines, "Choose other explain.faithfulness.baselines."]
        apart = [name for name in counting if name not in self.deciding]
        words = f"All methods are judged by pixels replaced by {named(self.deciding)}"
        if apart:
            who = [method for method, own in owners.items() if set(own) & set(apart)]
            use = "uses" if len(who) == 1 else "use"
            words += f", not by {named(apart)}, which {listing(who)} {use}"
        return [*lines, f"{words}."]


def decide_references(
    curves: Mapping[str, NDArray[np.float64]],
    owners: Mapping[str, Sequence[str]],
    before: Sequence[str] = (),
) -> References:
    """Decide which reference images count, for all methods together.

    Args:
        curves: Reference image to the deletion curves of the patches in an order of no method,
            float (N, steps + 1).
        owners: Method to the reference images that it itself uses; others decide, so that no
            method is judged with its own.
        before: Those that decided when the run was explained first; kept where possible.
    """
    left = {name: float(curve.mean(0).min()) for name, curve in curves.items()}
    probability = float(next(iter(curves.values()))[:, 0].mean())
    counting = References(probability, left, ()).counting
    kept = [name for name in counting if name in before] or counting
    uses = Counter(name for own in owners.values() for name in own)
    fewest = min((uses[name] for name in kept), default=0)
    deciding = tuple(name for name in kept if uses[name] == fewest)
    return References(probability, left, deciding or tuple(left))


def named(references: Sequence[str]) -> str:
    """Reference images in words."""
    return " and ".join(NAMES.get(name, name) for name in references)


def judge(
    row: Mapping[str, Any], plan: FaithfulnessPlan, references: References
) -> tuple[str, str]:
    """Verdict and reasons of a method, a row of `Faithfulness.table`.

    Its maps must not be empty, and they must change when the weights are shuffled. And taking out
    and putting in pixels by them must move the probability more than by random maps: with the
    reference images that decide, the same for all methods and none that the method itself uses,
    beyond the interval and `plan.least_gain`; and not less with any other that counts.
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
    """A sentence on one method, a row of `Faithfulness.table`."""
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
