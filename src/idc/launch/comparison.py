"""A comparison: what Hydra knows of it becomes what a pipeline needs."""

import shlex
import sys

from omegaconf import DictConfig
from rich.console import Console

from idc.comparison.leaderboard import METRICS
from idc.launch.composed import composed
from idc.launch.table import print_comparison, print_where
from idc.launch.terminal import reporting_errors
from idc.pipelines.compare import EVALUATION, REPORT, compare_chosen


def run(cfg: DictConfig) -> None:
    """Compare the runs of a composed configuration.

    Raises:
        SystemExit: It failed; the reason has been printed.
        KeyboardInterrupt: The user stopped it.
    """
    with reporting_errors():
        config, folder = composed(cfg)
        command = shlex.join(["python", "-m", "idc.compare", *sys.argv[1:]])
        outcome, analysis = compare_chosen(config, folder, command)
    print_comparison(analysis.board, list(METRICS), analysis.sentences, analysis.notes)
    console = Console(soft_wrap=True)
    console.print(f"report: {folder / EVALUATION / REPORT}")
    print_where(console, outcome, config, folder)
