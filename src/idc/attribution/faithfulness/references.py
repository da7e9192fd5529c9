"""Which reference images decide on faithfulness: one decision per run, for all methods."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idc.attribution.faithfulness.plan import MOST_LEFT
from idc.text import listing

NAMES = {
    "white": "white",
    "grey": "grey",
    "mean": "the mean colour",
    "black": "black",
    "blur": "a blur",
}


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
        """Sentences on what decides, and on the reference images that do not count or not decide.

        Args:
            owners: Method to the reference images that it itself uses.
        """
        counting = self.counting
        idle = [name for name in self.left if name not in counting]
        lines = []
        if idle:
            kept = ", ".join(f"{self.left[name]:.2f} with {NAMES[name]}" for name in idle)
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
            method is judged with its own reference image.
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
    return " and ".join(NAMES[name] for name in references)
