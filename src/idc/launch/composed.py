"""What Hydra composed, as a pipeline takes it."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from idc.config.build import Config, resolve
from idc.launch.folders import back_to_the_start, require_free
from idc.launch.job import quiet


def composed(cfg: DictConfig) -> tuple[Config, Path]:
    """The resolved configuration of a job that stands alone, and its output folder.

    Raises:
        ConfigError: A value is missing, an interpolation leads nowhere, or the folder is another
            run's.
    """
    quiet()
    hydra = HydraConfig.get()
    back_to_the_start(hydra)
    if hydra.mode == RunMode.MULTIRUN:
        folder = Path(hydra.runtime.output_dir)
        require_free(folder, cfg, str(hydra.job.config_name), "hydra.sweep.subdir")
    return resolve(cfg, hydra.runtime.choices), Path(hydra.runtime.output_dir)
