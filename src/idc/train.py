"""Train, test, explain and track one experiment, or with ``-m`` a sweep of them.

``python -m idc.train backbone=resnet50 data=idc data.root=DIR`` composes the configuration, does
the job and prints where to look. Nothing heavy is imported before the configuration is composed,
so that ``--help`` and a mistyped override answer at once.
"""

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from idc.launch.app import checked, composes, run_app


@composes("train")
def compose_and_run(cfg: DictConfig) -> float | None:
    """Hydra's task: one job, alone or of a sweep."""
    if HydraConfig.get().mode != RunMode.MULTIRUN:  # a sweep shows what its jobs failed for
        checked(cfg)
    from idc.launch.job import run

    return run(cfg)


def main() -> None:
    """Entry point; see `idc.launch.app.run_app` for the exit codes."""
    run_app("train", compose_and_run)


if __name__ == "__main__":
    main()
