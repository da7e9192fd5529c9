"""Let pathologists judge a run's patches: ``python -m idc.review run=ID``.

Serves a page on this machine, saves each answer at once, and at the end (Ctrl-C) logs answers,
agreement, suspects of wrong labels and corrections to the run.
"""

import sys

from omegaconf import DictConfig

from idc.launch.app import checked, composes, run_app
from idc.launch.arguments import quoted


@composes("review")
def compose_and_run(cfg: DictConfig) -> None:
    """Hydra's task: one review."""
    checked(cfg)
    from idc.launch import commands

    commands.review(cfg)


def main() -> None:
    """Entry point; see `idc.launch.app.run_app` for the exit codes."""
    sys.argv[1:] = quoted(sys.argv[1:])
    run_app("review", compose_and_run)


if __name__ == "__main__":
    main()
