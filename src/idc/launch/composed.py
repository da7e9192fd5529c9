"""What Hydra composed, as the engine takes it."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from idc.engine.config import Config, resolve
from idc.launch.job import quiet


def composed(cfg: DictConfig) -> tuple[Config, Path]:
    """The resolved configuration of a job that stands alone, and its output folder.

    Raises:
        ConfigError: A value is missing, or an interpolation leads nowhere.
    """
    quiet()
    hydra = HydraConfig.get()
    return resolve(cfg, hydra.runtime.choices), Path(hydra.runtime.output_dir)
