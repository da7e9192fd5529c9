"""Policy for data in more than one split: fail, warn or drop."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.leaks import KINDS, PATIENTS, SHOWN, Leaks
from idc.data.split.base import SPLITS, UNUSED
from idc.errors import DataError

Action = Literal["fail", "warn", "drop"]


@dataclass(frozen=True)
class LeakPolicy:
    """What is done about leaks: ``fail``, ``warn`` or ``drop``.

    ``drop`` takes patches out of training; and out of validation what stands in test too. Nothing
    is taken out of test.

    Attributes:
        patients: For patients in two splits.
        duplicates: For the same pixels in two splits.
        near_duplicates: For nearly the same pixels.
    """

    patients: Action = "fail"
    duplicates: Action = "fail"
    near_duplicates: Action = "warn"

    def decide(
        self, index: pd.DataFrame, leaks: Leaks, leaky_by_design: bool = False
    ) -> "pd.Series[str]":
        """The splits that remain.

        Args:
            index: ``path``, ``patient``, ``label`` and ``split``.
            leaks: What crosses its splits.
            leaky_by_design: The split may put patients in two splits; that is then no reason to
                stop or to drop them.

        Returns:
            The index's ``split``, with "" for what is dropped.

        Raises:
            DataError: There is something that the policy stops for, or what is left of training
                or validation lacks a class. Names the files and what to do.
        """
        actions = {kind: getattr(self, kind) for kind in KINDS}
        if leaky_by_design:
            actions[PATIENTS] = "warn"
        counts = leaks.counts()
        if failing := [k for k, action in actions.items() if counts[k] and action == "fail"]:
            raise DataError(
                "leaks: the split is no fair test.\n"
                + "\n".join(_refusal(kind, leaks) for kind in failing)
            )
        dropped = np.zeros(len(index), bool)
        for kind in (k for k, action in actions.items() if counts[k] and action == "drop"):
            dropped |= _offending(index, leaks, kind)
        split = index["split"].astype(object).mask(dropped, UNUSED)
        if dropped.any():
            _refuse_lack(index, split, int(dropped.sum()))
        return split


def _offending(index: pd.DataFrame, leaks: Leaks, kind: str) -> NDArray[np.bool_]:
    """The rows with a duplicate, or with rows of their patient, on a later split."""
    rank = {name: place for place, name in enumerate((UNUSED, *SPLITS))}
    if kind == PATIENTS:
        own = index["split"].map(rank).astype(int)
        latest = own.groupby(index["patient"].astype(str)).transform("max")
        return ((own > 0) & (own < latest)).to_numpy(bool)
    rows = leaks.rows(kind)
    earlier = rows["split"].map(rank).astype(int) < rows["duplicate_split"].map(rank).astype(int)
    return index["path"].isin(rows["path"][earlier]).to_numpy(bool)


def _refuse_lack(index: pd.DataFrame, split: "pd.Series[str]", dropped: int) -> None:
    for name in ("train", "val"):
        before = set(index["label"][index["split"] == name])
        lacking = sorted(before - set(index["label"][split == name]))
        if lacking:
            raise DataError(
                f"leaks: without the {dropped} patches that also are in another split, {name} has "
                f"no patch of class {lacking[0]}. Change the split so that fewer cross, or set "
                f"leaks.*=warn."
            )


def _refusal(kind: str, leaks: Leaks) -> str:
    sentence = leaks.sentence(kind)
    if kind == PATIENTS:
        advice = "Give each patient one split (split=patient)"
    else:
        pairs = leaks.rows(kind).head(SHOWN).to_dict("records")
        lines = (
            f"{r['path']} ({r['split']}) = {r['duplicate_of']} ({r['duplicate_split']})"
            for r in pairs
        )
        sentence = "\n  ".join([sentence, *lines])
        advice = "Find out which of the files belongs there, and remove the other"
    return f"{kind}: {sentence}\n  {advice}, or set leaks.{kind}=drop|warn."
