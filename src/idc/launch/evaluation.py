"""An evaluation: what Hydra knows of it becomes what the engine needs."""

from omegaconf import DictConfig

from idc.engine.evaluating import evaluate_run
from idc.launch.app import telling
from idc.launch.composed import composed
from idc.launch.table import print_outcome


def run(cfg: DictConfig) -> None:
    """Evaluate the run of a composed configuration.

    Raises:
        SystemExit: It failed; the reason has been printed.
        KeyboardInterrupt: The user stopped it.
    """
    with telling():
        config, folder = composed(cfg)
        outcome = evaluate_run(config, folder)
    print_outcome(outcome, config, folder)
