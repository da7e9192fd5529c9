"""An explanation: what Hydra knows of it becomes what a pipeline needs."""

from omegaconf import DictConfig
from rich.console import Console

from idc.launch.app import telling
from idc.launch.composed import composed
from idc.launch.table import print_methods, where_to_look
from idc.pipelines.explain import explain_run


def run(cfg: DictConfig) -> None:
    """Explain the run of a composed configuration.

    Raises:
        SystemExit: It failed; the reason has been printed.
        KeyboardInterrupt: The user stopped it.
    """
    with telling():
        config, folder = composed(cfg)
        told = explain_run(config, folder)
    console = Console(soft_wrap=True)
    print_methods(told.explained)
    for sentence in told.explained.sentences:
        console.print(sentence)
    console.print(f"files:  {told.folder}")
    console.print(f"run:    {told.run_id}, under {told.under}   ({where_to_look(config)})")
