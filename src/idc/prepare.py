"""Check a data set, pack it and show it, before anything is trained on it.

``python -m idc.prepare data=idc data.root=DIR`` reads every file once (later only what has
changed), looks for what is wrong, writes the packed store that training uses, and a report.
"""

from omegaconf import DictConfig

from idc.launch.app import checked, composes, run_app


@composes("prepare")
def compose_and_run(cfg: DictConfig) -> None:
    """Hydra's task: prepare one set."""
    checked(cfg)
    from idc.launch import commands

    commands.prepare(cfg)


def main() -> None:
    """Entry point; see `idc.launch.app.run_app` for the exit codes."""
    run_app("prepare", compose_and_run)


if __name__ == "__main__":
    main()
