"""Runs side by side: pooled over folds, compared by test, told in tables, figures and a page."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from idc.comparison.attribution_verdicts import trust_sentences, trust_table
from idc.comparison.contestant import (
    Contestant,
    require_same_patches,
    same_patches,
    trained_on_tested,
)
from idc.comparison.leaderboard import METRICS, leaderboard
from idc.comparison.pair_summary import summary
from idc.comparison.pooling import board_metrics, pool_numbers, pooled_metrics
from idc.comparison.runs import FOLD, FinishedRun, baselines, contestants
from idc.comparison.significance import Comparison, compare
from idc.config.build import Config
from idc.errors import DataError
from idc.metrics.expansion import fewest_draws
from idc.pipelines.comparison_figures import comparison_figures
from idc.reports.run_input import SweepReport
from idc.reports.sweep_page import write_sweep_page
from idc.runtime.drawing import save_figures
from idc.runtime.outcome import Outcome
from idc.tracking.privacy import Redactor

log = logging.getLogger(__name__)
SIZES_ALIKE = 0.05  # share by which training splits of equal settings may differ
SCALE_GAP = 0.05  # of AUROC, from which on pooling is said to have cost
SAID = ("f1", "auroc")  # metrics that are told in sentences
FEWEST_DRAWS = 400  # of the tests, where none or too few are asked for
COMPARISON = "comparison"
EVALUATION = "evaluation"
REPORT = "report.html"


@dataclass(frozen=True)
class Compared:
    """What came of a comparison.

    Attributes:
        board: See `idc.comparison.leaderboard.leaderboard`.
        pooled: See `idc.comparison.pooling.pool_numbers`.
        comparison: None where there is nothing to compare, or not on the same patches.
        sentences: What can be told apart.
        notes: Sentences that the numbers must not be read without.
    """

    board: pd.DataFrame
    pooled: pd.DataFrame
    comparison: Comparison | None
    sentences: list[str]
    notes: list[str]

    @property
    def metrics(self) -> dict[str, float]:
        """What is logged of it as metrics: the leaderboard, the pooled values, and the best."""
        best = {
            f"best/{metric.removeprefix('test/')}": float(row[f"{metric}_mean"])
            for row in self.board.head(1).to_dict("records")
            for metric in METRICS
        }
        return {**board_metrics(self.board), **pooled_metrics(self.pooled), **best}


def compare_runs(
    runs: Sequence[FinishedRun],
    outcomes: Sequence[Outcome],
    config: Config,
    folder: Path,
    name: str,
    command: str,
    redactor: Redactor,
    strict: bool,
) -> Compared:
    """Compare finished runs and write everything down.

    Args:
        runs: Finished runs with their files.
        outcomes: All runs, also those that failed.
        config: ``intervals`` and ``report`` are read.
        folder: ``comparison/`` and ``evaluation/`` go into it.
        name: Of the sweep, for the page.
        command: What was typed.
        redactor: Takes out of the page what must not be logged.
        strict: Refuse runs that were tested on different patches; else leave out the tests.

    Raises:
        DataError: `strict`, and runs were tested on different patches.
    """
    settings, notes = _contestants(runs, strict)
    if strict:
        require_same_patches(settings)
    same = max(same_patches(settings), key=len, default=[])
    left_out = [one.name for one in settings if one not in same]
    if left_out:
        notes.append(
            f"Not compared by test, as tested on other patches than the rest, or on other patches "
            f"from repeat to repeat: {', '.join(left_out)}."
        )
    simple, known = baselines(runs, [one.name for one in same])
    if known and _sizes_differ(runs):
        notes.append(f"The baselines know the training splits of {known}.")
    compared = [*same, *simple] if len(same_patches([*same, *simple])) == 1 else same
    comparison = None
    asked = config["intervals"]
    # What is tested needs draws where no intervals are asked for, too.
    fewest = fewest_draws(asked["level"])
    draws = asked["draws"] if asked["draws"] >= fewest else max(FEWEST_DRAWS, fewest)
    if asked["draws"]:  # the pooled table has the intervals of the leaderboard
        config = {**config, "intervals": {**asked, "draws": draws}}
    if len(compared) > 1:
        comparison = compare(compared, draws=draws, level=asked["level"])
        if not asked["draws"]:
            comparison.estimates[["low", "high"]] = np.nan
    found = [*settings, *(compared[len(same) :] if comparison else [])]
    notes += _leaks(runs, found)
    finished = [run.outcome for run in runs]
    class_names = finished[0].class_names if finished else []
    pooled, patients = pool_numbers(found, config, folder / EVALUATION, class_names)
    board = leaderboard(finished, METRICS, comparison, found[len(settings) :], pooled)
    folds = fold_table(runs)
    notes += _scale_notes(folds, pooled)
    said = [] if comparison is None else _sentences(comparison, found)
    target = folder / COMPARISON
    target.mkdir(parents=True, exist_ok=True)
    _tables(board, comparison, target)
    trust = trust_table(runs)
    if len(trust):
        trust.to_csv(target / "methods.csv", index=False, float_format="%.6g")
    save_figures(
        comparison_figures(runs, found, board, comparison, pooled, folds, class_names, trust),
        target,
    )
    page = SweepReport(
        name=redactor.text(name),
        command=redactor.text(command),
        leaderboard=board.drop(columns=[c for c in board if str(c).endswith("_values")]),
        figures=target,
        sentences=said,
        differences=pd.DataFrame() if comparison is None else comparison.differences,
        pooled=pooled,
        fold_table=folds,
        per_patient=patients,
        failed=[(o.name, redactor.text(o.error or "")) for o in outcomes if o.status != "FINISHED"],
        runs=[(o.name, o.run_id or "", o.status) for o in outcomes],
        methods=trust,
        explained=trust_sentences(trust),
        notes=notes,
        date=time.strftime("%Y-%m-%d"),
    )
    write_sweep_page(page, folder / EVALUATION / REPORT)
    return Compared(board, pooled, comparison, said, notes)


def _sizes_differ(runs: Sequence[FinishedRun]) -> bool:
    """Whether settings have training splits of different sizes, beyond what folds do to them."""
    sizes = pd.DataFrame({"setting": r.setting, "patches": r.training_patches()} for r in runs)
    means = sizes.groupby("setting")["patches"].mean()
    return bool(means.max() > (1 + SIZES_ALIKE) * means.min())


def _contestants(runs: Sequence[FinishedRun], strict: bool) -> tuple[list[Contestant], list[str]]:
    try:
        return contestants(runs)
    except DataError as error:
        if strict:
            raise
        return [], [f"Folds are not pooled: {error}"]


def _leaks(runs: Sequence[FinishedRun], found: Sequence[Contestant]) -> list[str]:
    notes = []
    leaky = [one.name for one in found if one.leaky and one.kind == "run"]
    if leaky:
        notes.append(
            f"LEAKY: in {', '.join(leaky)} patients are in two splits; these numbers are too good."
        )
    # Folds of one setting test what the others train on; that is their purpose.
    alone = {}
    for run in runs:
        if not run.fold:
            name = run.outcome.name
            known = f"{name} ({run.outcome.run_id})" if name in alone else name
            alone[known] = run.splits()
    others = trained_on_tested(alone)
    if others:
        first, named = next(iter(others.items()))
        more = f" So did {len(others) - 1} more." if len(others) > 1 else ""
        notes.append(
            f"{first} was trained or tuned on patients that {named[0]} was tested on: do not set "
            f"the one's numbers against the other's.{more}"
        )
    return notes


def _sentences(comparison: Comparison, found: Sequence[Contestant]) -> list[str]:
    names = [one.name for one in found if one.kind == "baseline"]
    told: list[str] = []
    for metric in SAID:
        told += summary(
            comparison.differences,
            comparison.estimates,
            metric,
            names,
            comparison.level,
            1 - comparison.level,
        )
    return told


def _tables(board: pd.DataFrame, comparison: Comparison | None, folder: Path) -> None:
    plain = board.drop(columns=[c for c in board if str(c).endswith("_values")])
    plain.to_csv(folder / "leaderboard.csv", index=False, float_format="%.6g")
    if comparison is not None:
        for name in ("estimates", "differences"):
            table: pd.DataFrame = getattr(comparison, name)
            table.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g")


def fold_table(runs: Sequence[FinishedRun]) -> pd.DataFrame:
    """A row a fold of each setting: ``setting``, ``repeat``, ``fold`` and its test metrics."""
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
    """Say where an area suffers from pooling: each fold's network has a scale of its own.

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
                f"{setting}: the AUROC over all folds is {area:.3f}, the mean of the folds' own is "
                f"{mean:.3f}. The scores of its folds are not on one scale; decisions, made at "
                f"each fold's own threshold, do not suffer from that."
            )
    return notes
