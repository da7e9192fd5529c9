"""The delivery of journals that were left: what Hydra knows of it, and what the terminal shows."""

from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from idc.launch.composed import composed
from idc.launch.terminal import reporting_errors
from idc.tracking.journal import FOLDER
from idc.tracking.leftovers import deliver_leftover


def run(cfg: DictConfig) -> None:
    """Deliver what is left below ``paths.mlruns``.

    Raises:
        SystemExit: Something is still left; what and why has been printed.
        KeyboardInterrupt: The user stopped it.
    """
    console = Console(soft_wrap=True, highlight=False)
    with reporting_errors():
        config, _ = composed(cfg)
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
