"""What is compared: a setting with its repeats, each of which scored every test patch once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.errors import DataError

KEY = ["path", "label"]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Contestant:
    """A classifier, or a baseline.

    Attributes:
        name: Its name, unlike all others'.
        repeats: Name of a repeat (a seed) to its test predictions, pooled over folds: each patch
            once, sorted by `KEY`.
        classes: k.
        kind: ``run`` or ``baseline``.
        leaky: Whether patients were in two splits.
        runs: Names of the runs that it is made of.
    """

    name: str
    repeats: Mapping[str, pd.DataFrame] = field(repr=False)
    classes: int
    kind: Literal["run", "baseline"] = "run"
    leaky: bool = False
    runs: Sequence[str] = ()

    @property
    def patches(self) -> pd.DataFrame:
        """The patches that it was tested on: `KEY` and ``patient``."""
        first = next(iter(self.repeats.values()))
        return first[[*KEY, "patient"]]


def pool_folds(folds: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The test predictions of all folds as one frame, sorted, with the column ``fold``.

    Args:
        folds: Name of a fold to its test predictions.

    Raises:
        DataError: A patch was tested in two of them.
    """
    frames = [frame.assign(fold=name) for name, frame in folds.items()]
    whole = pd.concat(frames, ignore_index=True)
    twice = whole["path"].duplicated()
    if twice.any():
        raise DataError(
            f"{int(twice.sum())} patches were tested in more than one fold "
            f"({whole['path'][twice].iloc[0]}, ...); they cannot be pooled."
        )
    return whole.sort_values(KEY, ignore_index=True)


def same_patches(contestants: Sequence[Contestant]) -> list[list[Contestant]]:
    """Contestants by what they were tested on: those of one list saw the same patches.

    Contestants whose own repeats were tested on different patches are left out.
    """
    groups: list[tuple[pd.DataFrame, list[Contestant]]] = []
    for one in contestants:
        if not _alike(one):
            continue
        for patches, group in groups:
            if _equal(patches, one.patches):
                group.append(one)
                break
        else:
            groups.append((one.patches, [one]))
    return [group for _, group in groups]


def _alike(one: Contestant) -> bool:
    return all(_equal(one.patches, frame) for frame in one.repeats.values())


def _equal(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    if len(one) != len(other):
        return False
    return all((one[key].to_numpy() == other[key].to_numpy()).all() for key in KEY)


def require_same_patches(contestants: Sequence[Contestant]) -> None:
    """Refuse a comparison of classifiers that were tested on different patches.

    Raises:
        DataError: Says who was tested on what.
    """
    uneven = [one.name for one in contestants if not _alike(one)]
    if uneven:
        raise DataError(
            f"compare: the repeats of {uneven[0]} were tested on different patches, so a "
            f"difference from others cannot be told from a difference of the patches. Repeat with "
            f"seed=..., or with split.folds so that every patch is tested."
        )
    groups = same_patches(contestants)
    if len(groups) > 1:
        told = "; ".join(
            f"{', '.join(one.name for one in group)}: {len(group[0].patches):,} patches of "
            f"{group[0].patches['patient'].nunique():,} patients"
            for group in groups
        )
        raise DataError(
            f"compare: these were tested on different patches, so a difference between them says "
            f"nothing of the classifiers ({told}). Compare runs of one split, or evaluate them "
            f"on the same data first (python -m idc.evaluate run=ID data=...)."
        )


def trained_on_tested(
    splits: Mapping[str, Mapping[str, str]],
) -> dict[str, list[str]]:
    """Runs whose training or validation patients are test patients of another run.

    Args:
        splits: Name of a run to the split of each patient (``train``, ``train+test``, ...).

    Returns:
        Name of a run to the names of those others; runs without any are left out.
    """
    tested = {
        name: {p for p, split in of.items() if "test" in split} for name, of in splits.items()
    }
    found = {}
    for name, of in splits.items():
        learnt = {p for p, split in of.items() if split != "test"}
        others = [other for other, theirs in tested.items() if other != name and learnt & theirs]
        if others:
            found[name] = others
    return found
