"""The figures of a comparison."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from idc.comparison.analysis import Analysis
from idc.comparison.contestant import Contestant
from idc.comparison.leaderboard import METRICS
from idc.comparison.learning_curve import size_table
from idc.comparison.pooling import slug
from idc.comparison.runs import HISTORY, FinishedRun
from idc.comparison.significance import Comparison
from idc.plots.confusion import confusion_figure
from idc.plots.critical_difference import critical_difference_figure, differences_figure
from idc.plots.cross_validation import fold_learning_figure, fold_metrics_figure
from idc.plots.curves import pr_figure, roc_figure
from idc.plots.faithfulness import faithfulness_matrix_figure
from idc.plots.sweep_settings import leaderboard_figure, learning_size_figure
from idc.text import value_label

OVERLAID = 12  # curves in one figure at most


def comparison_figures(
    analysis: Analysis, runs: Sequence[FinishedRun]
) -> Iterator[tuple[str, Figure]]:
    """Leaderboard, curves, tests, folds and sizes, each if there is something to draw."""
    board, pooled, folds = analysis.board, analysis.pooled, analysis.folds
    if len(board):
        repeats = bool(len(pooled)) and pooled["repeat"].astype(bool).any()
        words = value_label(len(folds) > 0, bool(repeats))
        yield "leaderboard", leaderboard_figure(board, METRICS, words)
    yield from _overlays(analysis.contestants, analysis.class_names)
    if analysis.comparison is not None:
        yield from _differences(analysis.comparison, analysis.contestants)
    if len(folds):
        names = ["setting", "repeat", "fold"]
        long = folds.melt(names, var_name="metric", value_name="value")
        yield "fold_metrics", fold_metrics_figure(long, pooled)
        yield from _fold_curves(runs)
    sizes = size_table(runs, pooled)
    if len(sizes):
        yield "learning_size", learning_size_figure(sizes)
    if len(analysis.trust):
        yield "methods", faithfulness_matrix_figure(analysis.trust)


def _overlays(
    contestants: Sequence[Contestant], class_names: Sequence[str]
) -> Iterator[tuple[str, Figure]]:
    curves: dict[str, tuple[NDArray[np.integer], NDArray[np.floating]]] = {}
    panels: dict[str, NDArray[np.integer]] = {}
    for one in contestants:
        for repeat, frame in one.repeats.items():
            name = f"{one.name},{repeat}" if repeat else one.name
            labels = frame["label"].to_numpy()
            if one.classes == 2 and len(curves) < OVERLAID and one.name != "majority class":
                curves[name] = (labels, frame["score"].to_numpy())
            if one.kind == "run" and len(panels) < OVERLAID:
                matrix = confusion_matrix(
                    labels, frame["predicted"].to_numpy(), labels=range(one.classes)
                )
                panels[name] = matrix
    if curves:
        yield "roc", roc_figure(curves, None, "ROC, test patches")
        yield "precision_recall", pr_figure(curves, None, "Precision-recall, test patches")
    if panels:
        yield "confusion_matrices", confusion_figure(panels, class_names)


def _differences(
    comparison: Comparison, contestants: Sequence[Contestant]
) -> Iterator[tuple[str, Figure]]:
    names = [one.name for one in contestants if one.kind == "baseline"]
    level = comparison.level
    for metric in comparison.metrics:
        values = comparison.estimates[comparison.estimates["metric"] == metric]
        pairs = comparison.differences[comparison.differences["metric"] == metric]
        if values["value"].notna().sum() < 2 or pairs.empty:
            continue
        yield (
            f"critical_difference_{metric}",
            critical_difference_figure(values, pairs, metric, level=level, baselines=names),
        )
        yield (
            f"differences_{metric}",
            differences_figure(pairs, metric, baselines=names, level=level),
        )


def _fold_curves(runs: Sequence[FinishedRun]) -> Iterator[tuple[str, Figure]]:
    for setting in dict.fromkeys(run.setting for run in runs):
        histories: Mapping[str, pd.DataFrame] = {
            ", ".join(filter(None, (f"fold {run.fold}", run.repeat))): history
            for run in runs
            if run.setting == setting and (history := run.read(HISTORY)) is not None
        }
        if histories:
            yield f"fold_learning_curves_{slug(setting)}", fold_learning_figure(histories)
