"""Runs side by side: pooled over folds, compared by test, told in tables, figures and a page."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from idc.comparison.contestant import (
    Contestant,
    require_same_patches,
    same_patches,
    trained_on_tested,
)
from idc.comparison.significance import Comparison, compare
from idc.comparison.words import summary
from idc.engine.collecting import FOLD, Finished, contestants
from idc.engine.comparison_figures import comparison_figures
from idc.engine.config import Config
from idc.engine.figures import save_figures
from idc.engine.leaderboard import METRICS, leaderboard
from idc.engine.outcome import Outcome
from idc.engine.pooling import pool_numbers
from idc.errors import DataError
from idc.report.run_input import SweepReport
from idc.report.sweep_page import write_sweep_page
from idc.tracking.privacy import Redactor

log = logging.getLogger(__name__)
SCALE_GAP = 0.05  # of AUROC, from which on pooling is said to have cost
SAID = ("f1", "auroc")  # metrics that are told in sentences
FEWEST_DRAWS = 400  # fewer cannot tell a p below 0.05 after correction
COMPARISON = "comparison"
EVALUATION = "evaluation"
REPORT = "report.html"


@dataclass(frozen=True)
class Compared:
    """What came of a comparison.

    Attributes:
        board: See `idc.engine.leaderboard.leaderboard`.
        pooled: See `idc.engine.pooling.pool_numbers`.
        comparison: None where there is nothing to compare, or not on the same patches.
        sentences: What can be told apart.
        notes: Sentences that the numbers must not be read without.
    """

    board: pd.DataFrame
    pooled: pd.DataFrame
    comparison: Comparison | None
    sentences: list[str]
    notes: list[str]


def compare_runs(
    runs: Sequence[Finished],
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
        config: ``intervals`` and ``seed`` are read.
        folder: ``comparison/`` and ``evaluation/`` go into it.
        name: Of the sweep, for the page.
        command: What was typed.
        redactor: Takes out of the page what must not be logged.
        strict: Refuse runs that were tested on different patches; else leave out the tests.

    Raises:
        DataError: `strict`, and runs were tested on different patches.
    """
    found, notes = _contestants(runs, strict)
    groups = same_patches(found)
    comparison = None
    if strict:
        require_same_patches(found)
    if len(groups) == 1 and len(groups[0]) == len(found) > 1:
        asked = config["intervals"]
        draws = max(asked["draws"], FEWEST_DRAWS)
        comparison = compare(found, draws=draws, level=asked["level"], seed=config["seed"])
    elif len(groups) > 1:
        notes.append(
            "The settings were tested on different patches, so they are not compared by test: a "
            "difference may be one of the patches."
        )
    notes += _leaks(runs, found)
    baselines = [one for one in found if one.kind == "baseline"]
    finished = [run.outcome for run in runs]
    board = leaderboard(finished, METRICS, comparison, baselines if comparison else ())
    class_names = finished[0].class_names if finished else []
    pooled, patients = pool_numbers(found, config, folder / EVALUATION, class_names)
    folds = fold_table(runs)
    notes += _scale_notes(folds, pooled)
    said = [] if comparison is None else _sentences(comparison, found)
    target = folder / COMPARISON
    target.mkdir(parents=True, exist_ok=True)
    _tables(board, comparison, target)
    save_figures(
        comparison_figures(runs, found, board, comparison, pooled, folds, class_names), target
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
        notes=notes,
        date=time.strftime("%Y-%m-%d"),
    )
    write_sweep_page(page, folder / EVALUATION / REPORT)
    return Compared(board, pooled, comparison, said, notes)


def _contestants(runs: Sequence[Finished], strict: bool) -> tuple[list[Contestant], list[str]]:
    try:
        return contestants(runs), []
    except DataError as error:
        if strict:
            raise
        return [], [f"Folds are not pooled: {error}"]


def _leaks(runs: Sequence[Finished], found: Sequence[Contestant]) -> list[str]:
    notes = []
    leaky = [one.name for one in found if one.leaky and one.kind == "run"]
    if leaky:
        notes.append(
            f"LEAKY: in {', '.join(leaky)} patients stand on two sides of the split; these numbers "
            f"are too good."
        )
    # Folds of one setting test what the others train on; that is their purpose.
    alone = {run.outcome.name: run.sides() for run in runs if not run.fold}
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
    baselines = [one.name for one in found if one.kind == "baseline"]
    told: list[str] = []
    for metric in SAID:
        told += summary(
            comparison.differences,
            comparison.estimates,
            metric,
            baselines,
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


def fold_table(runs: Sequence[Finished]) -> pd.DataFrame:
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
