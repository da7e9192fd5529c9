"""Train, test, explain and track one experiment, or with ``-m`` a sweep of them.

``python -m idc.train backbone=resnet50 data=idc data.root=DIR`` composes the configuration, does
the job and prints where to look. Nothing heavy is imported before the configuration is composed,
so that ``--help`` and a mistyped override answer at once.
"""

import os
import sys
import warnings

import hydra
from omegaconf import DictConfig

from idc.conf_dir import conf_dir
from idc.launch import sweep

# Waiting threads of OpenMP spin for milliseconds, which beside another training costs
# far more than it gains (benchmarks/threads.py). Must be set before torch is imported.
SPINS = "3000"
os.environ.setdefault("GOMP_SPINCOUNT", SPINS)


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")
def compose_and_run(cfg: DictConfig) -> float | None:
    """Hydra's task: one job, alone or of a sweep."""
    from idc.launch.job import run

    return run(cfg)


def main() -> None:
    """Entry point; exits with 0, with 1 if something failed, with 130 if it was stopped."""
    # Hydra looks for a config beside this module and warns that an absolute path is unusual.
    warnings.filterwarnings("ignore", module="hydra.*", category=UserWarning)
    code = 1
    try:
        compose_and_run()
        code = 0
    except KeyboardInterrupt:
        code = 130
        print("stopped", file=sys.stderr)
    finally:
        code = sweep.finish(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
