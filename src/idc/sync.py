"""Deliver to the tracking server what runs have logged while it was away.

``python -m idc.sync`` delivers the journals below ``paths.mlruns`` that no running process has
in hand, each to the server that it was meant for, and says what is left. It may be stopped and
repeated at any time: nothing arrives twice.
"""

from omegaconf import DictConfig

from idc.launch.app import checked, composes, run_app


@composes("sync")
def compose_and_run(cfg: DictConfig) -> None:
    """Hydra's task: one delivery."""
    checked(cfg)
    from idc.launch import commands

    commands.sync(cfg)


def main() -> None:
    """Entry point; see `idc.launch.app.run_app` for the exit codes."""
    run_app("sync", compose_and_run)


if __name__ == "__main__":
    main()
