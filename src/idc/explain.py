"""Explain a trained run: ``python -m idc.explain run=ID explain.select=patient=8863``.

Any choice of patches, methods and slide maps (group ``explain``), logged to that run.
"""

import sys

from omegaconf import DictConfig

from idc.launch.app import checked, composes, run_app
from idc.launch.arguments import quoted


@composes("explain")
def compose_and_run(cfg: DictConfig) -> None:
    """Hydra's task: explain one run."""
    checked(cfg)
    from idc.launch import commands

    commands.explain(cfg)


def main() -> None:
    """Entry point; see `idc.launch.app.run_app` for the exit codes."""
    sys.argv[1:] = quoted(sys.argv[1:])
    run_app("explain", compose_and_run)


if __name__ == "__main__":
    main()
