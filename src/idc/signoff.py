"""Make the pack that pathologists sign: a run's result, its review, its limits, signatures.

``python -m idc.signoff run=ID`` writes one page for printing, and a PDF where Chromium is at hand,
and logs both to the run.
"""

from omegaconf import DictConfig

from idc.launch.app import checked, composes, run_app


@composes("signoff")
def compose_and_run(cfg: DictConfig) -> None:
    """Hydra's task: one pack."""
    checked(cfg)
    from idc.launch import commands

    commands.signoff(cfg)


def main() -> None:
    """Entry point; see `idc.launch.app.run_app` for the exit codes."""
    run_app("signoff", compose_and_run)


if __name__ == "__main__":
    main()
