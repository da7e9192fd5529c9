"""Finished runs as contestants: what they predicted, pooled over folds, side by side."""

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
    """A finished run with its files.

    Attributes:
        outcome: Name, settings, metrics.
        folder: Holds those of `FILES` that it left.
        sweep: Id of the sweep that it belongs to, or "".
    """

    outcome: Outcome
    folder: Path
    sweep: str = ""

    @property
    def settings(self) -> Mapping[str, str]:
        """The outcome's swept values; for a run of no sweep what tells it apart."""
        return self.outcome.settings

    @property
    def setting(self) -> str:
        """The run's setting, without its repetitions."""
        return setting_of(self.settings)

    @property
    def fold(self) -> str:
        """Its fold; "" without folds."""
        return self.settings.get(FOLD, "")

    @property
    def repeat(self) -> str:
        """What repeats its setting, but for the fold: ``seed=1``; "" where nothing does."""
        kept = [f"{k}={v}" for k, v in self.settings.items() if k in REPEATS and k != FOLD]
        return ",".join(kept)

    def read(self, name: str) -> pd.DataFrame | None:
        """One of its tables, or None if it left none.

        Raises:
            CheckpointError: It is damaged.
        """
        path = self.folder / name
        if not path.is_file():
            return None
        return read_table(path)

    def training_patches(self) -> int:
        """Patches in its training split; 0 where it left no split."""
        split = self.read(SPLIT)
        return 0 if split is None else int((split["split"] == "train").sum())

    def splits(self) -> dict[str, str]:
        """Patient to the split that it was in; ``test+train`` where it was in two."""
        split = self.read(SPLIT)
        return {} if split is None else splits_of_patients(split)


Known = tuple[FinishedRun, pd.DataFrame]  # a run and one of its tables


def contestants(runs: Sequence[FinishedRun]) -> tuple[list[Contestant], list[str]]:
    """A contestant a setting, in the order in which they come, and what must be said of them.

    Args:
        runs: Finished runs.

    Raises:
        DataError: Folds of a setting tested the same patches.
    """
    found, notes = [], []
    for setting in dict.fromkeys(run.setting for run in runs):
        of_setting = [run for run in runs if run.setting == setting]
        known = [(run, frame) for run in of_setting if (frame := run.read(PREDICTIONS)) is not None]
        repeats, left_out = _repeats(known)
        if left_out:
            notes.append(
                f"{setting}: {', '.join(left_out)} lack(s) folds and is left out of what is pooled."
            )
        if repeats:
            classes = len(of_setting[0].outcome.class_names)
            leaky = any(run.outcome.leaky for run in of_setting)
            names = [run.outcome.name for run in of_setting]
            found.append(Contestant(setting, repeats, classes, "run", leaky, names))
    return found, notes


def _repeats(known: Sequence[Known]) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """The test predictions of each repeat, pooled, and the repeats that lack folds."""
    repeats: dict[str, dict[str, pd.DataFrame]] = {}
    for run, frame in known:
        repeats.setdefault(run.repeat, {})[run.fold] = frame[frame["split"] == "test"]
    # A repeat that lacks folds was tested on other patches than the rest.
    most = max((len(folds) for folds in repeats.values()), default=0)
    whole = {k: pool_folds(folds) for k, folds in repeats.items() if len(folds) == most}
    return whole, [key for key in repeats if key not in whole]


def baselines(runs: Sequence[FinishedRun], settings: Sequence[str]) -> tuple[list[Contestant], str]:
    """The baselines, as trained on the largest training split of a split that does not leak.

    Args:
        runs: Finished runs.
        settings: Those that are compared.

    Returns:
        The baselines, and the setting whose training splits they know; none and "" without any.
    """
    best: tuple[bool, float] | None = None
    chosen: list[Known] = []
    for setting in settings:
        of_setting = [run for run in runs if run.setting == setting]
        known = [(run, table) for run in of_setting if (table := run.read(BASELINES)) is not None]
        if len(known) < len(of_setting):
            continue
        leaky = any(run.outcome.leaky for run in of_setting)
        sizes = [run.training_patches() for run in of_setting]
        rank = (not leaky, sum(sizes) / len(sizes))
        if best is None or rank > best:
            best, chosen = rank, known
    if not chosen:
        return [], ""
    first, table = chosen[0]
    outcome, found = first.outcome, []
    for name in table["baseline"].unique():
        of_name = [(run, table[table["baseline"] == name]) for run, table in chosen]
        # Seeds of the network do not move them: one repeat will do.
        frame = next(iter(_repeats(of_name)[0].values()))
        classes = len(outcome.class_names)
        found.append(Contestant(name, {"": frame}, classes, "baseline", outcome.leaky))
    return found, first.setting
