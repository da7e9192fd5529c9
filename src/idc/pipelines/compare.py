"""Compare finished runs and write tables, figures and a page: the recipe of `idc.compare`."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from idc.comparison.analysis import Analysis, analyse
from idc.comparison.attribution_verdicts import trust_sentences
from idc.comparison.contestant import Contestant
from idc.comparison.fetch import chosen_runs
from idc.comparison.leaderboard import METRICS
from idc.comparison.learning_curve import size_table
from idc.comparison.pooling import slug
from idc.comparison.runs import HISTORY, FinishedRun
from idc.comparison.significance import Comparison
from idc.config.build import Config
from idc.data.index import is_multi_label
from idc.errors import ConfigError
from idc.pipelines.finished_run import required_store
from idc.pipelines.run_context import RunContext, tracked_run
from idc.pipelines.validate import check_values
from idc.plots.confusion import confusion_figure
from idc.plots.critical_difference import critical_difference_figure, differences_figure
from idc.plots.cross_validation import fold_learning_figure, fold_metrics_figure
from idc.plots.curves import pr_figure, roc_figure
from idc.plots.faithfulness import faithfulness_matrix_figure
from idc.plots.sweep_settings import leaderboard_figure, learning_size_figure
from idc.reports.description import comparison_description
from idc.reports.run_input import SweepReport
from idc.reports.sweep_page import write_sweep_page
from idc.runtime.drawing import save_figures
from idc.runtime.outcome import Outcome
from idc.text import count, listing, value_label
from idc.tracking.mlflow_run import NOTE_TAG
from idc.tracking.provenance import flatten, origin_tags

KIND = "compare"
COMPARISON = "comparison"
EVALUATION = "evaluation"
REPORT = "report.html"
ONE_VALUE = re.compile(r"^[\w.]+=")  # of a setting: the name of what varies
OVERLAID = 12  # curves in one figure at most
LISTED, NAME = 3, 200  # settings in a comparison's name, and characters of it


def compare_chosen(config: Config, folder: Path, command: str) -> tuple[Outcome, Analysis]:
    """Compare the runs that a configuration names, and log the result as a run.

    Raises:
        IdcError: The user can correct it.
    """
    check_values(config)
    if experiment := config["experiment_name"]:
        config = {**config, "tracking": {**config["tracking"], "experiment": experiment}}
    store = required_store(config)
    runs = chosen_runs(store, config["runs"], config["sweep"], bool(experiment), folder / "runs")
    if not runs:
        raise ConfigError("compare: none of the given runs has finished.")
    outcomes = [one.outcome for one in runs]
    name = str(config["name"] or _name(runs))
    outcome = Outcome(name, class_names=outcomes[0].class_names, kind=KIND)
    context = RunContext(outcome, config, folder, store.redactor)
    # Before the run is opened: what cannot be compared leaves no run behind.
    analysis = compare_runs(context, runs, outcomes, command, strict=True)
    outcome.notes = analysis.notes
    with tracked_run(store, context) as run:
        ids = ",".join(str(one.run_id) for one in outcomes)
        run.tags({**origin_tags("idc.compare"), "idc.kind": KIND, "idc.compares": ids})
        run.params(
            {
                "compared.runs": ids,
                "compared.settings": "; ".join(analysis.board["setting"]),
                **{key: config[key] for key in ("sweep", "experiment_name")},
                **flatten({"intervals": config["intervals"]}),
            }
        )
        run.metrics(analysis.metrics)
        outcome.metrics = analysis.metrics
        run.tags({NOTE_TAG: describe(context, analysis, outcomes, command)})
        for part in (COMPARISON, EVALUATION):
            run.artifacts(folder / part, part)
    return outcome, analysis


def _name(runs: Sequence[FinishedRun]) -> str:
    """``resnet50 and vgg16: 4 runs compared``, as what differs is to come first."""
    settings = dict.fromkeys(run.setting for run in runs)
    shown = [name if "," in name else ONE_VALUE.sub("", name) for name in settings]
    return f"{listing(shown, LISTED)}: {count(len(runs), 'run')} compared"[:NAME]


def describe(
    context: RunContext, analysis: Analysis, outcomes: Sequence[Outcome], command: str
) -> str:
    """The description of a comparison or a sweep in MLflow; arguments as for `compare_runs`."""
    return comparison_description(_page(context, analysis, outcomes, command), context.place)


def compare_runs(
    context: RunContext,
    runs: Sequence[FinishedRun],
    outcomes: Sequence[Outcome],
    command: str,
    strict: bool,
    notes: Sequence[str] = (),
) -> Analysis:
    """Compare finished runs, and write the comparison to its folder.

    Args:
        context: Name, configuration, folder and redactor of the comparison; ``comparison/`` and
            ``evaluation/`` go into the folder.
        runs: Finished runs with their files.
        outcomes: All runs, also those that failed.
        command: The command line, for the page.
        strict: Refuse runs that were tested on different patches.
        notes: Further caveats, in sentences, which come first.

    Raises:
        DataError: `strict`, and runs were tested on different patches.
    """
    folder = context.folder
    analysis = analyse(runs, context.config, folder / EVALUATION, strict)
    analysis.notes[:0] = notes
    target = folder / COMPARISON
    target.mkdir(parents=True, exist_ok=True)
    for name, table in _tables(analysis).items():
        table.to_csv(target / f"{name}.csv", index=False, float_format="%.6g")
    save_figures(_figures(analysis, runs), target)
    write_sweep_page(_page(context, analysis, outcomes, command), folder / EVALUATION / REPORT)
    return analysis


def _leaderboard(analysis: Analysis) -> pd.DataFrame:
    """The leaderboard without the columns that hold several values."""
    board = analysis.board
    return board.drop(columns=[name for name in board if str(name).endswith("_values")])


def _tables(analysis: Analysis) -> dict[str, pd.DataFrame]:
    tables = {"leaderboard": _leaderboard(analysis)}
    if analysis.comparison is not None:
        tables["estimates"] = analysis.comparison.estimates
        tables["differences"] = analysis.comparison.differences
    if len(analysis.trust):
        tables["methods"] = analysis.trust
    return tables


def _page(
    context: RunContext, analysis: Analysis, outcomes: Sequence[Outcome], command: str
) -> SweepReport:
    text, comparison = context.redactor.text, analysis.comparison
    return SweepReport(
        name=text(context.outcome.name),
        command=text(command),
        leaderboard=_leaderboard(analysis),
        figures=context.folder / COMPARISON,
        sentences=analysis.sentences,
        differences=pd.DataFrame() if comparison is None else comparison.differences,
        pooled=analysis.pooled,
        fold_table=analysis.folds,
        per_patient=analysis.per_patient,
        failed=[(one.name, text(one.error or "")) for one in outcomes if one.status != "FINISHED"],
        runs=[
            (one.name, one.run_id or "", "PRUNED" if one.pruned else one.status) for one in outcomes
        ],
        methods=analysis.trust,
        explained=trust_sentences(analysis.trust),
        notes=analysis.notes,
        date=time.strftime("%Y-%m-%d"),
    )


def _figures(analysis: Analysis, runs: Sequence[FinishedRun]) -> Iterator[tuple[str, Figure]]:
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
            if is_multi_label(frame):
                continue  # each label has curves and a table of its own in its run
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
