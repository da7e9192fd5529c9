"""Policy for the findings of the audit: keep, drop or fail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.config.schema.data import Limits
from idc.config.schema.option import options
from idc.data.audit.findings import (
    EXCLUDED,
    FINDINGS,
    NOT_READ,
    OF_H_AND_E,
    OVERLAP,
    Action,
    masks,
)
from idc.data.index import has_positions
from idc.data.sources.tree import NotRead
from idc.errors import ConfigError, DataError

SHOWN = 5


@dataclass(frozen=True)
class Decisions:
    """The findings of a set and what was done about them.

    Attributes:
        keep: bool (N,), the patches that are used.
        table: One row per finding that applies to the set, those that do not occur too:
            ``finding``, ``meaning``, ``policy``, ``patches`` (of ``not_read`` files), ``patients``,
            ``dropped``.
    """

    keep: NDArray[np.bool_]
    table: pd.DataFrame

    def notes(self) -> dict[str, int]:
        """Each finding that occurs, with what was done about it, and how often."""
        rows = self.table[self.table["patches"] > 0].to_dict("records")
        words = {"keep": "kept", "drop": "dropped", "fail": "refused"}
        return {f"{row['finding']}: {words[row['policy']]}": int(row["patches"]) for row in rows}


class Policy:
    """An action for each finding.

    Args:
        actions: Finding to ``keep``, ``drop`` or ``fail``, for every finding about which there is
            a choice, and ``limits``; see `idc.config.schema.data.Audit`.
        h_and_e: Whether the images are H&E sections; if not, some findings do not apply.
        of_archive: Findings that are kept in place of ``fail``; see `Source.of_archive`.

    Raises:
        ConfigError: A finding is missing or unknown, or a limit is unknown.
    """

    def __init__(
        self,
        actions: Mapping[str, Action],
        h_and_e: bool = True,
        of_archive: Sequence[str] = (),
    ) -> None:
        self.h_and_e = h_and_e
        settled = {name: f.always for name, f in FINDINGS.items() if f.always is not None}
        choices = [name for name in FINDINGS if name not in settled]
        given = {name: action for name, action in actions.items() if name != "limits"}
        if wrong := sorted(set(given) ^ set(choices)):
            what = "it has no action" if wrong[0] in choices else "there is no such finding"
            raise ConfigError(f"audit.{wrong[0]}: {what}; there are {', '.join(choices)}.")
        limits = [limit.name for limit in options(Limits)]
        if unknown := sorted(set(actions.get("limits", ())).difference(limits)):
            raise ConfigError(
                f"audit.limits.{unknown[0]}: there is no such limit; there are {', '.join(limits)}."
            )
        self.actions: dict[str, Action] = {**given, **settled}
        for name in of_archive:
            if self.actions[name] == "fail":
                self.actions[name] = "keep"

    def decide(self, index: pd.DataFrame, not_read: Sequence[NotRead] = ()) -> Decisions:
        """Decide on every patch; see `refuse` for what is to stop the work.

        Args:
            index: ``checks`` and ``group``.
            not_read: What the index has no row for.
        """
        keep, rows = np.ones(len(index), bool), []
        occurring = masks(index["checks"])
        patients_of = index["patient"].to_numpy()
        for name, finding in FINDINGS.items():
            if (name == OVERLAP and not has_positions(index)) or (
                name in OF_H_AND_E and not self.h_and_e
            ):
                continue
            mask = occurring.get(name, np.zeros(len(index), bool))
            action = self.actions[name]
            if action == "drop" or not finding.can_keep:
                keep &= ~mask
            patches, patients = int(mask.sum()), len(np.unique(patients_of[mask].astype(str)))
            if name == NOT_READ:
                patches = sum(some.files for some in not_read)
            dropped = patches if action == "drop" else 0
            rows.append((name, finding.meaning, action, patches, patients, dropped))
        names = ["finding", "meaning", "policy", "patches", "patients", "dropped"]
        return Decisions(keep, pd.DataFrame(rows, columns=names))

    def refuse(self, index: pd.DataFrame, root: object, not_read: Sequence[NotRead] = ()) -> None:
        """Stop if there is a finding whose action is ``fail``, but in patches that are excluded.

        Args:
            index: ``path``, ``checks`` and, if read, ``problem``, ``mode``, ``duplicate_of``.
            root: Where the files are, for the message.
            not_read: What the index has no row for.

        Raises:
            DataError: Names the files, the findings and what to do.
        """
        parts = []
        if not_read and self.actions[NOT_READ] == "fail":
            files = sum(some.files for some in not_read)
            parts.append(_words(NOT_READ, files, [str(some) for some in not_read], 0))
        excluded = masks(index["checks"]).get(EXCLUDED)
        index = index if excluded is None else index[~excluded]
        for name, mask in masks(index["checks"]).items():
            if self.actions[name] == "fail":
                files = int(mask.sum())
                shown = [_described(r) for r in index[mask].head(SHOWN).to_dict("records")]
                parts.append(_words(name, files, shown, files - len(shown)))
        if parts:
            raise DataError(f"the audit of {root} stops the work.\n" + "\n".join(parts))


def _words(name: str, files: int, shown: Sequence[str], more: int) -> str:
    """A finding that stops the work, where it is, and how many more there are."""
    finding = FINDINGS[name]
    lines = [*shown, *([f"and {more:,} more"] if more else [])]
    others = "keep|drop" if finding.can_keep else "drop"
    return (
        f"{name}: {files:,} file(s). {finding.meaning}\n  " + "\n  ".join(lines) + "\n"
        f"  {finding.advice} Or set audit.{name}={others}; findings are counted and logged."
    )


def _described(row: Mapping[object, object]) -> str:
    more = [str(row[key]) for key in ("problem", "duplicate_of") if row.get(key)]
    return f"{row['path']}" + (f" ({'; '.join(more)})" if more else "")
