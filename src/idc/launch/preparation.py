"""The preparation of a set: what Hydra knows of it becomes what a pipeline needs."""

from pathlib import Path

import pandas as pd
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from idc.config.build import Config
from idc.launch.composed import composed
from idc.launch.table import print_where
from idc.launch.terminal import reporting_errors
from idc.pipelines.prepare import prepare
from idc.runtime.outcome import Outcome


def run(cfg: DictConfig) -> None:
    """Prepare the set of a composed configuration.

    Raises:
        SystemExit: It failed; the reason has been printed.
        KeyboardInterrupt: The user stopped it.
    """
    with reporting_errors():
        config, folder = composed(cfg)
        name = str(config["name"] or f"prepare {config['choices']['data']}")
        outcome, findings = prepare(config, folder, name)
    _print(outcome, findings, config, folder)


def _print(outcome: Outcome, findings: pd.DataFrame, config: Config, folder: Path) -> None:
    counts = outcome.metrics
    console = Console(soft_wrap=True)
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
