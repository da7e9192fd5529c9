"""The commands that are no training: from what Hydra composed to what the terminal shows.

Each imports its pipeline itself, as none needs those of the others.
"""

import shlex
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from idc.config.build import Config, resolve
from idc.launch.folders import back_to_the_start, require_free
from idc.launch.table import (
    print_comparison,
    print_methods,
    print_outcome,
    print_where,
    where_to_look,
)
from idc.launch.terminal import quiet, reporting_errors


def task(command: Callable[[Config, Path], None]) -> Callable[[DictConfig], None]:
    """A command, given its resolved configuration and output folder, as a task of Hydra.

    It prints what went wrong, such as a folder that is another run's, and then raises SystemExit.
    """

    @wraps(command)
    def run(cfg: DictConfig) -> None:
        with reporting_errors():
            quiet()
            hydra = HydraConfig.get()
            back_to_the_start(hydra)
            folder = Path(hydra.runtime.output_dir)
            if hydra.mode == RunMode.MULTIRUN:
                require_free(folder, cfg, str(hydra.job.config_name), "hydra.sweep.subdir")
            command(resolve(cfg, hydra.runtime.choices), folder)

    return run


@task
def compare(config: Config, folder: Path) -> None:
    """Compare finished runs."""
    from idc.comparison.leaderboard import METRICS
    from idc.pipelines.compare import EVALUATION, REPORT, compare_chosen

    command = shlex.join(["python", "-m", "idc.compare", *sys.argv[1:]])
    outcome, analysis = compare_chosen(config, folder, command)
    print_comparison(analysis.board, list(METRICS), analysis.sentences, analysis.notes)
    console = Console(soft_wrap=True)
    console.print(f"report: {folder / EVALUATION / REPORT}")
    print_where(console, outcome, config, folder)


@task
def evaluate(config: Config, folder: Path) -> None:
    """Evaluate a run, or the jobs of a sweep as an ensemble."""
    from idc.pipelines.evaluate import evaluate_run

    print_outcome(evaluate_run(config, folder), config, folder)


@task
def explain(config: Config, folder: Path) -> None:
    """Explain a run."""
    from idc.attribution.pipeline.step import EXPLAIN
    from idc.pipelines.explain import explain_run

    explained, under = explain_run(config, folder)
    console = Console(soft_wrap=True)
    print_methods(explained)
    for sentence in explained.sentences:
        console.print(sentence)
    console.print(f"files:  {folder / EXPLAIN}")
    console.print(f"run:    {config['run']}, under {under}   ({where_to_look(config)})")


@task
def prepare(config: Config, folder: Path) -> None:
    """Prepare a data set."""
    from idc.pipelines.prepare import prepare as prepare_set

    root = config["data"].get("root")
    what = f"{config['choices']['data']}{f' {Path(root).name}' if root else ''}"
    name = str(config["name"] or f"{what}: audit {config['choices']['audit']}")
    outcome, findings, command = prepare_set(config, folder, name)
    counts, console = outcome.metrics, Console(soft_wrap=True)
    classes = ", ".join(
        f"{counts[f'data/class_{i}']:,.0f} {name}" for i, name in enumerate(outcome.class_names)
    )
    console.print(
        f"{counts['data/patches']:,.0f} patches ({classes}) of {counts['data/patients']:,.0f} "
        f"patients; {counts['data/files_read']:,.0f} files read"
    )
    table = Table(title=f"{outcome.name}: findings", title_justify="left")
    table.add_column("finding")
    for heading in ("patches", "patients", "dropped"):
        table.add_column(heading, justify="right")
    for row in findings[findings["patches"] > 0].to_dict("records"):
        numbers = (f"{row[key]:,}" for key in ("patches", "patients", "dropped"))
        table.add_row(row["finding"], *numbers)
    console.print(table if table.row_count else "nothing was found")
    for note in outcome.notes:
        console.print(f"note: {note}")
    if config["report"]:
        console.print(f"report: {folder / 'report' / 'report.html'}")
    print_where(console, outcome, config, folder)
    console.print(f"train:  {command}", markup=False, highlight=False)


@task
def review(config: Config, folder: Path) -> None:
    """Serve a run's review until it is stopped, and show its results."""
    from idc.pipelines.review import review_run
    from idc.reader_study.run_answers import FOLDER

    console = Console(soft_wrap=True)
    results, answers = review_run(
        config, folder, lambda address: console.print(f"review: {address}   (Ctrl-C ends it)")
    )
    if results is None:
        console.print("no answers yet")
        return
    console.print(results.summary)
    for note in results.notes:
        console.print(f"note: {note}")
    console.print(f"answers: {answers}")
    console.print(f"files:   {folder / FOLDER}")
    console.print(f"run:     {config['run']}, under review   ({where_to_look(config)})")


@task
def signoff(config: Config, folder: Path) -> None:
    """Make the pack of a run for signature."""
    from idc.pipelines.signoff import FOLDER, sign_off

    page, pdf = sign_off(config, folder)
    console = Console(soft_wrap=True)
    console.print(f"page:   {page}")
    console.print(f"PDF:    {pdf or 'print the page from a browser: no Chromium is here'}")
    console.print(f"run:    {config['run']}, under {FOLDER}   ({where_to_look(config)})")


@task
def sync(config: Config, folder: Path) -> None:
    """Deliver the journals that earlier commands left; exit with 1 if something is still left."""
    from idc.tracking.journal import FOLDER
    from idc.tracking.leftovers import deliver_leftover

    console = Console(soft_wrap=True, highlight=False)
    journals = Path(config["paths"]["mlruns"]).resolve() / FOLDER
    report = deliver_leftover(journals, config["tracking"]["uri"])
    for run_id, count in report.delivered.items():
        console.print(f"run {run_id}: {count} entries delivered")
    if report.in_use:
        console.print(f"{report.in_use} run(s) still running deliver for themselves")
    for problem in report.problems:
        console.print(f"not delivered: {problem}")
    if not report.delivered and not report.problems:
        console.print("nothing was left to deliver")
    if report.problems:
        raise SystemExit(1)
