"""An evaluation: what Hydra knows of it becomes what the engine needs."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from idc.engine.config import resolve
from idc.engine.evaluating import evaluate_run
from idc.launch.app import telling
from idc.launch.job import quiet
from idc.launch.table import print_outcome


def run(cfg: DictConfig) -> None:
    """Evaluate the run of a composed configuration.

    Raises:
        SystemExit: It failed; the reason has been printed.
        KeyboardInterrupt: The user stopped it.
    """
    quiet()
    hydra = HydraConfig.get()
    folder = Path(hydra.runtime.output_dir)
    with telling():
        config = resolve(cfg, hydra.runtime.choices)
        outcome = evaluate_run(config, folder)
    print_outcome(outcome, config, folder)
