"""Optuna as a sweeper of Hydra, which takes sweepers from packages of this name only."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


class OptunaSweeper(Sweeper):
    """Chooses each trial by what earlier ones reached; see `idc.launch.search`.

    Args:
        params: The search space: dotted name to a sweep in Hydra's syntax.
        options: The search's other options; they are read from the configuration.
    """

    def __init__(self, params: Mapping[str, str], **options: Any) -> None:
        self.params = params
        self.config: DictConfig | None = None
        self.launcher: Launcher | None = None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take up the configuration, and make the launcher."""
        self.config = config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Run the trials."""
        from idc.launch.search import run_trials  # heavy

        assert self.config is not None
        assert self.launcher is not None
        folder = Path(str(self.config.hydra.sweep.dir))
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, folder / "multirun.yaml")
        return run_trials(self.config, self.launcher)
