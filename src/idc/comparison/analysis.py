"""Analyse finished runs side by side: pooled folds, paired tests, leaderboard, caveats."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from idc.comparison.attribution_verdicts import trust_table
from idc.comparison.contestant import (
    Contestant,
    require_same_patches,
    same_patches,
    trained_on_tested,
)
from idc.comparison.leaderboard import METRICS, leaderboard
from idc.comparison.pairs import summary
from idc.comparison.pooling import board_metrics, pool_numbers, pooled_metrics
from idc.comparison.runs import FOLD, FinishedRun, baselines, contestants
from idc.comparison.significance import Comparison, compare
from idc.config.build import Config
from idc.errors import DataError
from idc.metrics.spread import fewest_draws

SIZE_TOLERANCE = 0.05  # share by which training splits of equal settings may differ
SCALE_GAP = 0.05  # of AUROC, from which on the cost of pooling is noted
SUMMARISED = ("f1", "auroc")  # metrics whose differences are put into sentences
FEWEST_DRAWS = 400  # of the tests, if intervals have none or too few


@dataclass(frozen=True)
class Analysis:
    """Finished runs, compared.

    Attributes:
        contestants: Settings, then the baselines that they were compared with.
        board: See `idc.comparison.leaderboard.leaderboard`.
        pooled: See `idc.comparison.pooling.pool_numbers`.
        per_patient: Setting to the table by patient of its first repeat.
        comparison: The paired tests; None without two contestants on the same patches.
        folds: One row per fold of each setting: ``setting``, ``repeat``, ``fold``, test metrics.
        trust: See `idc.comparison.attribution_verdicts.trust_table`.
        class_names: One name per class; empty without a run.
        sentences: The differences, in words.
        notes: Caveats of the numbers, in sentences.
    """

    contestants: Sequence[Contestant]
    board: pd.DataFrame
    pooled: pd.DataFrame
    per_patient: dict[str, pd.DataFrame]
    comparison: Comparison | None
    folds: pd.DataFrame
    trust: pd.DataFrame
    class_names: Sequence[str]
    sentences: list[str]
    notes: list[str]

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics to log: the leaderboard, the pooled values, and the best setting's."""
        best = {
            f"best/{metric.removeprefix('test/')}": float(row[f"{metric}_mean"])
            for row in self.board.head(1).to_dict("records")
            for metric in METRICS
        }
        return {**board_metrics(self.board), **pooled_metrics(self.pooled), **best}


def analyse(runs: Sequence[FinishedRun], config: Config, folder: Path, strict: bool) -> Analysis:
    """Compare finished runs.

    Args:
        runs: Finished runs with their files.
        config: ``intervals`` and ``report`` are read.
        folder: For pooled predictions, their tables and figures.
        strict: Refuse runs that were tested on different patches; otherwise they are not tested
            against each other.

    Raises:
        DataError: `strict`, and runs were tested on different patches.
    """
    settings, notes = _settings(runs, strict)
    if strict:
        require_same_patches(settings)
    comparable = max(same_patches(settings), key=len, default=[])
    if excluded := [one.name for one in settings if one not in comparable]:
        notes.append(
            f"Excluded from the tests, because their test patches differ from those of the others "
            f"or between repeats: {', '.join(excluded)}."
        )
    simple, trained_with = baselines(runs, [one.name for one in comparable])
    if trained_with and _sizes_differ(runs):
        notes.append(f"The baselines were trained on the training splits of {trained_with}.")
    tested = [*comparable, *simple]
    if len(same_patches(tested)) != 1:
        tested, simple = comparable, []
    draws, level = config["intervals"]["draws"], config["intervals"]["level"]
    # Tests need draws even if there are to be no intervals.
    fewest = fewest_draws(level)
    enough = draws if draws >= fewest else max(FEWEST_DRAWS, fewest)
    if draws:  # the pooled table has the intervals of the leaderboard
        config = {**config, "intervals": {**config["intervals"], "draws": enough}}
    comparison = compare(tested, draws=enough, level=level) if len(tested) > 1 else None
    if comparison is None:
        simple = []
    elif not draws:
        comparison.estimates[["low", "high"]] = np.nan
    all_contestants = [*settings, *simple]
    notes += [*_leak_notes(settings), *_overlap_notes(runs)]
    class_names = runs[0].outcome.class_names if runs else []
    pooled, per_patient = pool_numbers(all_contestants, config, folder, class_names)
    board = leaderboard([run.outcome for run in runs], METRICS, comparison, simple, pooled)
    folds = _fold_table(runs)
    notes += _scale_notes(folds, pooled)
    sentences = _sentences(comparison, [one.name for one in simple]) if comparison else []
    trust = trust_table(runs)
    return Analysis(
        contestants=all_contestants,
        board=board,
        pooled=pooled,
        per_patient=per_patient,
        comparison=comparison,
        folds=folds,
        trust=trust,
        class_names=class_names,
        sentences=sentences,
        notes=notes,
    )


def _settings(runs: Sequence[FinishedRun], strict: bool) -> tuple[list[Contestant], list[str]]:
    try:
        return contestants(runs)
    except DataError as error:
        if strict:
            raise
        return [], [f"Folds are not pooled: {error}"]


def _sizes_differ(runs: Sequence[FinishedRun]) -> bool:
    """Whether settings have training splits of different sizes, beyond the effect of folds."""
    sizes = pd.DataFrame({"setting": r.setting, "patches": r.training_patches()} for r in runs)
    means = sizes.groupby("setting")["patches"].mean()
    return bool(means.max() > (1 + SIZE_TOLERANCE) * means.min())


def _leak_notes(settings: Sequence[Contestant]) -> list[str]:
    leaky = [one.name for one in settings if one.leaky]
    if not leaky:
        return []
    return [
        f"LEAKY: in {', '.join(leaky)} patients are in two splits; these numbers are optimistic."
    ]


def _overlap_notes(runs: Sequence[FinishedRun]) -> list[str]:
    """Name runs that were trained on test patients of others.

    Folds are left out: those of one setting test the patients that the others train on.
    """
    splits: dict[str, dict[str, str]] = {}
    for run in runs:
        if not run.fold:
            name = run.outcome.name
            splits[f"{name} ({run.outcome.run_id})" if name in splits else name] = run.splits()
    overlaps = trained_on_tested(splits)
    if not overlaps:
        return []
    first, others = next(iter(overlaps.items()))
    more = f" The same holds for {len(overlaps) - 1} more." if len(overlaps) > 1 else ""
    return [
        f"{first} was trained or tuned on patients that {others[0]} was tested on: do not compare "
        f"their numbers.{more}"
    ]


def _sentences(comparison: Comparison, baseline_names: Sequence[str]) -> list[str]:
    estimates, differences, level = comparison.estimates, comparison.differences, comparison.level
    return [
        sentence
        for metric in SUMMARISED
        for sentence in summary(differences, estimates, metric, baseline_names, level, 1 - level)
    ]


def _fold_table(runs: Sequence[FinishedRun]) -> pd.DataFrame:
    rows = [
        {
            "setting": run.setting,
            "repeat": run.repeat,
            "fold": run.fold,
            **{m.removeprefix("test/"): run.outcome.metrics.get(m, float("nan")) for m in METRICS},
        }
        for run in runs
        if FOLD in run.settings
    ]
    return pd.DataFrame(rows)


def _scale_notes(folds: pd.DataFrame, pooled: pd.DataFrame) -> list[str]:
    """Note where an area suffers from pooling: each fold's network has a scale of its own.

    An area over all folds ranks scores of different networks against one another (Forman & Scholz
    2010, "Apples-to-apples in cross-validation studies").
    """
    if folds.empty or "auroc" not in folds:
        return []
    notes = []
    areas = pooled[pooled["metric"] == "auroc"].groupby("setting", sort=False)["value"].mean()
    for setting, area in areas.items():
        mean = folds.loc[folds["setting"] == setting, "auroc"].mean()
        if mean - area > SCALE_GAP:
            notes.append(
                f"{setting}: the AUROC over all folds is {area:.3f}, the mean over folds "
                f"{mean:.3f}. The scores of the folds differ in scale; decisions at each fold's "
                f"own threshold are not affected."
            )
    return notes
