"""What the terminal shows at the end: a short table and where to look."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console
from rich.table import Table

from idc.config.build import Config
from idc.metrics.definitions import METRIC_NAMES
from idc.runtime.outcome import Outcome
from idc.tracking.database import sqlite_uri

if TYPE_CHECKING:  # heavy
    from idc.attribution.pipeline.run_steps import Explained

WIDE = 120


def print_outcome(outcome: Outcome, config: Config, folder: Path) -> None:
    """Print a run's test metrics with intervals, and where its files and its run are."""
    metrics = outcome.metrics
    table = Table(title=f"{outcome.name}: test", title_justify="left")
    table.add_column("metric")
    threshold = metrics.get("val/threshold")
    chosen = "value" if threshold is None else f"at threshold {threshold:.3f}"
    for heading in (chosen, "interval", "at 0.5"):
        table.add_column(heading, justify="right")
    for name in METRIC_NAMES:
        if (value := metrics.get(f"test/{name}")) is None:
            continue
        low, high = (metrics.get(f"test/{name}_ci_{end}") for end in ("low", "high"))
        interval = "" if low is None or high is None else f"{low:.3f} .. {high:.3f}"
        half = metrics.get(f"test/{name}_at_0.5")
        table.add_row(
            name.replace("_", " "), f"{value:.3f}", interval, "" if half is None else f"{half:.3f}"
        )
    console = Console(soft_wrap=True)
    console.print(table)
    for note in outcome.notes:
        console.print(f"note: {note}")
    print_where(console, outcome, config, folder)


def print_where(console: Console, outcome: Outcome, config: Config, folder: Path) -> None:
    """Print where a run's files and the run itself are."""
    console.print(f"files:  {folder}")
    if outcome.run_id is not None:
        console.print(f"run:    {outcome.run_id}   ({where_to_look(config)})")


def where_to_look(config: Config) -> str:
    """How to open the MLflow UI on the store that a run went to."""
    uri = config["tracking"]["uri"]
    if uri and uri.startswith("http"):
        return str(uri)
    store = str(uri or sqlite_uri(Path(config["paths"]["mlruns"])))
    return f"make ui, or: mlflow ui --backend-store-uri {shlex.quote(store)}"


def print_comparison(
    table: pd.DataFrame, metrics: list[str], sentences: Sequence[str], notes: Sequence[str]
) -> None:
    """Print settings and baselines, best first, with significant differences and caveats."""
    shown = Table(title="leaderboard", title_justify="left")
    shown.add_column("setting", overflow="fold")
    shown.add_column("runs", justify="right")
    for metric in metrics:
        name = metric.removeprefix("test/").replace("_", " ")
        shown.add_column(name, justify="right", no_wrap=True)
    for _, row in table.iterrows():
        cells = [mean_and_spread(row[f"{m}_mean"], row[f"{m}_std"]) for m in metrics]
        leaky = " (leaky)" if row["leaky"] else ""
        runs = str(row["runs"]) if row["kind"] == "run" else "baseline"
        shown.add_row(f"{row['setting']}{leaky}", runs, *cells)
    console = wide_console()
    console.print(shown)
    for note in notes:
        console.print(f"note: {note}")
    for sentence in sentences:
        console.print(sentence)


def print_methods(explained: "Explained") -> None:
    """Print how far each attribution method can be trusted, if that was measured."""
    if not len(explained.methods):
        return
    table = Table(title="attribution methods, those to trust first", title_justify="left")
    table.add_column("method")
    table.add_column("verdict")
    for heading in ("gain over random maps", "likeness with shuffled weights"):
        table.add_column(heading, justify="right")
    for row in explained.methods.to_dict("records"):
        low, high = row["drop_over_random_low"], row["drop_over_random_high"]
        gain = f"{row['drop_over_random']:.3f} ({low:.3f} .. {high:.3f})"
        likeness = f"{row['randomisation_similarity']:.2f}"
        table.add_row(str(row["method"]), str(row["verdict"]), gain, likeness)
    wide_console().print(table)


def wide_console() -> Console:
    """The terminal; in a file or a pipe, where nothing says how wide a line may be, a wide one."""
    return Console(width=None if sys.stdout.isatty() else WIDE)


def mean_and_spread(mean: float, spread: float) -> str:
    """``0.912 ± 0.004``, or the mean alone where there is no spread."""
    return f"{mean:.3f}" if pd.isna(spread) else f"{mean:.3f} ± {spread:.3f}"
