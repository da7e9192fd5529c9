"""List the runs that a kill has left RUNNING for ever, and with ``apply=true`` close them.

``python -m idc.gc`` changes nothing. A run whose process lives is left alone; one that was closed
as KILLED can be gone on with (``idc.train resume=ID``).
"""

from omegaconf import DictConfig

from idc.launch.app import checked, composes, run_app


@composes("gc")
def compose_and_run(cfg: DictConfig) -> None:
    """Hydra's task: look at all runs of the experiment."""
    checked(cfg)
    from idc.launch.gc import run

    run(cfg)


def main() -> None:
    """Entry point; see `idc.launch.app.run_app` for the exit codes."""
    run_app("gc", compose_and_run)


if __name__ == "__main__":
    main()
