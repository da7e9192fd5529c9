"""Compare finished runs: leaderboard with intervals, paired tests and significant differences.

``python -m idc.compare sweep=ID``, ``runs=[ID,ID]`` or ``experiment_name=NAME``. Runs that were
tested on different patches are refused.
"""

from omegaconf import DictConfig

from idc.launch.app import checked, composes, run_app


@composes("compare")
def compose_and_run(cfg: DictConfig) -> None:
    """Hydra's task: one comparison."""
    checked(cfg)
    from idc.launch import commands

    commands.compare(cfg)


def main() -> None:
    """Entry point; see `idc.launch.app.run_app` for the exit codes."""
    run_app("compare", compose_and_run)


if __name__ == "__main__":
    main()
