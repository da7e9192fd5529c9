"""An explanation: what Hydra knows of it becomes what a pipeline needs."""

from omegaconf import DictConfig
from rich.console import Console

from idc.attribution.pipeline.stored_verdicts import EXPLAIN
from idc.launch.composed import composed
from idc.launch.table import print_methods, where_to_look
from idc.launch.terminal import reporting_errors
from idc.pipelines.explain import explain_run


def run(cfg: DictConfig) -> None:
    """Explain the run of a composed configuration.

    Raises:
        SystemExit: It failed; the reason has been printed.
        KeyboardInterrupt: The user stopped it.
    """
    with reporting_errors():
        config, folder = composed(cfg)
        explained, under = explain_run(config, folder)
    console = Console(soft_wrap=True)
    print_methods(explained)
    for sentence in explained.sentences:
        console.print(sentence)
    console.print(f"files:  {folder / EXPLAIN}")
    console.print(f"run:    {config['run']}, under {under}   ({where_to_look(config)})")
