"""Finished runs as contestants, with their predictions pooled over folds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from idc.comparison.contestant import Contestant, pool_folds
from idc.comparison.leaderboard import REPEATS, setting_of
from idc.data.split.base import splits_of_patients
from idc.data.tables import read_table
from idc.runtime.outcome import Outcome

PREDICTIONS = "evaluation/predictions.parquet"
BASELINES = "evaluation/baselines.parquet"
HISTORY = "training/history.csv"
SPLIT = "split.parquet"
FILES = (PREDICTIONS, BASELINES, HISTORY, SPLIT)
FOLD = "split.fold"


@dataclass(frozen=True)
class FinishedRun:
    """A finished run with its downloaded files.

    Attributes:
        outcome: Name, settings, metrics.
        folder: Folder with its `FILES`, as far as it has them.
        sweep: Id of its sweep, or "".
    """

    outcome: Outcome
    folder: Path
    sweep: str = ""

    @property
    def settings(self) -> Mapping[str, str]:
        """Swept values of the outcome; for a run without a sweep, its name."""
        return self.outcome.settings

    @property
    def setting(self) -> str:
        """Name of the run's setting, which its repeats share."""
        return setting_of(self.settings)

    @property
    def fold(self) -> str:
        """Fold of the run; "" without folds."""
        return self.settings.get(FOLD, "")

    @property
    def repeat(self) -> str:
        """Name of the repeat of its setting, such as ``seed=1``; "" for a single one."""
        kept = [f"{k}={v}" for k, v in self.settings.items() if k in REPEATS and k != FOLD]
        return ",".join(kept)

    def read(self, name: str) -> pd.DataFrame | None:
        """Read one of its tables; None if it has none.

        Raises:
            CheckpointError: The file is damaged.
        """
        path = self.folder / name
        if not path.is_file():
            return None
        return read_table(path)

    def training_patches(self) -> int:
        """Number of patches in its training split; 0 without a split file."""
        split = self.read(SPLIT)
        return 0 if split is None else int((split["split"] == "train").sum())

    def splits(self) -> dict[str, str]:
        """Patient to split; ``test+train`` for a patient in two splits."""
        split = self.read(SPLIT)
        return {} if split is None else splits_of_patients(split)


RunTable = tuple[FinishedRun, pd.DataFrame]  # a run and one of its tables


def contestants(runs: Sequence[FinishedRun]) -> tuple[list[Contestant], list[str]]:
    """One contestant per setting, in the order of the runs, and notes about missing folds.

    Args:
        runs: Finished runs.

    Raises:
        DataError: Folds of a setting tested the same patches.
    """
    result, notes = [], []
    for setting in dict.fromkeys(run.setting for run in runs):
        of_setting = [run for run in runs if run.setting == setting]
        tables = [
            (run, frame) for run in of_setting if (frame := run.read(PREDICTIONS)) is not None
        ]
        repeats, left_out = _repeats(tables)
        if left_out:
            notes.append(f"{setting}: not pooled because folds are missing: {', '.join(left_out)}.")
        if repeats:
            classes = len(of_setting[0].outcome.class_names)
            leaky = any(run.outcome.leaky for run in of_setting)
            names = [run.outcome.name for run in of_setting]
            result.append(Contestant(setting, repeats, classes, "run", leaky, names))
    return result, notes


def _repeats(tables: Sequence[RunTable]) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Pool the test predictions of each repeat; also return the repeats that lack folds."""
    repeats: dict[str, dict[str, pd.DataFrame]] = {}
    for run, frame in tables:
        repeats.setdefault(run.repeat, {})[run.fold] = frame[frame["split"] == "test"]
    # A repeat that lacks folds was tested on fewer patches than the others.
    most = max((len(folds) for folds in repeats.values()), default=0)
    whole = {k: pool_folds(folds) for k, folds in repeats.items() if len(folds) == most}
    return whole, [key for key in repeats if key not in whole]


def baselines(runs: Sequence[FinishedRun], settings: Sequence[str]) -> tuple[list[Contestant], str]:
    """The baselines that were trained on the largest training split, preferably not a leaky one.

    Args:
        runs: Finished runs.
        settings: Settings that are compared.

    Returns:
        The baselines, and the setting whose training splits they were trained on; empty and ""
        if no setting has baselines in all its runs.
    """
    best: tuple[bool, float] | None = None
    chosen: list[RunTable] = []
    for setting in settings:
        of_setting = [run for run in runs if run.setting == setting]
        tables = [(run, table) for run in of_setting if (table := run.read(BASELINES)) is not None]
        if len(tables) < len(of_setting):
            continue
        leaky = any(run.outcome.leaky for run in of_setting)
        sizes = [run.training_patches() for run in of_setting]
        rank = (not leaky, sum(sizes) / len(sizes))
        if best is None or rank > best:
            best, chosen = rank, tables
    if not chosen:
        return [], ""
    first, table = chosen[0]
    outcome, result = first.outcome, []
    for name in table["baseline"].unique():
        of_name = [(run, table[table["baseline"] == name]) for run, table in chosen]
        # Baselines do not depend on the network's seed, so one repeat suffices.
        frame = next(iter(_repeats(of_name)[0].values()))
        classes = len(outcome.class_names)
        result.append(Contestant(name, {"": frame}, classes, "baseline", outcome.leaky))
    return result, first.setting
