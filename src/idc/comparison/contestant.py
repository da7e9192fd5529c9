"""Contestants of a comparison: settings with their repeats, or baselines."""

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
        name: Unique name.
        repeats: Name of a repeat (a seed) to its test predictions, pooled over folds; each patch
            occurs once, sorted by `KEY`.
        classes: k.
        kind: ``run`` or ``baseline``.
        leaky: Whether patients were in two splits.
        runs: Names of its runs.
    """

    name: str
    repeats: Mapping[str, pd.DataFrame] = field(repr=False)
    classes: int
    kind: Literal["run", "baseline"] = "run"
    leaky: bool = False
    runs: Sequence[str] = ()

    @property
    def patches(self) -> pd.DataFrame:
        """Its test patches: `KEY` and ``patient``."""
        first = next(iter(self.repeats.values()))
        return first[[*KEY, "patient"]]


def pool_folds(folds: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Concatenate the test predictions of all folds, sorted, with a column ``fold``.

    Args:
        folds: Name of a fold to its test predictions.

    Raises:
        DataError: A patch was tested in more than one fold.
    """
    frames = [frame.assign(fold=name) for name, frame in folds.items()]
    whole = pd.concat(frames, ignore_index=True)
    repeated = whole["path"].duplicated()
    if repeated.any():
        raise DataError(
            f"{int(repeated.sum())} patches were tested in more than one fold "
            f"({whole['path'][repeated].iloc[0]}, ...), so the folds cannot be pooled."
        )
    return whole.sort_values(KEY, ignore_index=True)


def same_patches(contestants: Sequence[Contestant]) -> list[list[Contestant]]:
    """Group contestants by their test patches.

    Contestants whose own repeats were tested on different patches are left out.
    """
    groups: list[tuple[pd.DataFrame, list[Contestant]]] = []
    for contestant in contestants:
        if not _is_consistent(contestant):
            continue
        for patches, group in groups:
            if _have_same_patches(patches, contestant.patches):
                group.append(contestant)
                break
        else:
            groups.append((contestant.patches, [contestant]))
    return [group for _, group in groups]


def _is_consistent(contestant: Contestant) -> bool:
    return all(
        _have_same_patches(contestant.patches, frame) for frame in contestant.repeats.values()
    )


def _have_same_patches(contestant: pd.DataFrame, other: pd.DataFrame) -> bool:
    if len(contestant) != len(other):
        return False
    return all((contestant[key].to_numpy() == other[key].to_numpy()).all() for key in KEY)


def require_same_patches(contestants: Sequence[Contestant]) -> None:
    """Refuse a comparison of classifiers that were tested on different patches.

    Raises:
        DataError: Names the contestants and the number of their patches.
    """
    inconsistent = [contestant.name for contestant in contestants if not _is_consistent(contestant)]
    if inconsistent:
        raise DataError(
            f"compare: the repeats of {inconsistent[0]} were tested on different patches, so a "
            f"difference may be due to the patches. Repeat with seed=..., or with split.folds so "
            f"that every patch is tested."
        )
    groups = same_patches(contestants)
    if len(groups) > 1:
        listed = "; ".join(
            f"{', '.join(contestant.name for contestant in group)}: "
            f"{len(group[0].patches):,} patches, "
            f"{group[0].patches['patient'].nunique():,} patients"
            for group in groups
        )
        raise DataError(
            f"compare: the runs were tested on different patches, so a difference may be due to "
            f"the patches ({listed}). Compare runs of one split, or evaluate them on the same data "
            f"first (python -m idc.evaluate run=ID data=...)."
        )


def trained_on_tested(
    splits: Mapping[str, Mapping[str, str]],
) -> dict[str, list[str]]:
    """Find runs whose training or validation patients are test patients of another run.

    Args:
        splits: Name of a run to the split of each patient (``train``, ``train+test``, ...).

    Returns:
        Name of each such run to the names of the other runs.
    """
    tested = {
        name: {p for p, split in of.items() if "test" in split} for name, of in splits.items()
    }
    overlaps = {}
    for name, of in splits.items():
        seen = {p for p, split in of.items() if split != "test"}
        others = [
            other
            for other, test_patients in tested.items()
            if other != name and seen & test_patients
        ]
        if others:
            overlaps[name] = others
    return overlaps
