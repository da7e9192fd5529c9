"""An evaluation: what Hydra knows of it becomes what a pipeline needs."""

from omegaconf import DictConfig

from idc.launch.composed import composed
from idc.launch.table import print_outcome
from idc.launch.terminal import reporting_errors
from idc.pipelines.evaluate import evaluate_run


def run(cfg: DictConfig) -> None:
    """Evaluate the run of a composed configuration.

    Raises:
        SystemExit: It failed; the reason has been printed.
        KeyboardInterrupt: The user stopped it.
    """
    with reporting_errors():
        config, folder = composed(cfg)
        outcome = evaluate_run(config, folder)
    print_outcome(outcome, config, folder)
