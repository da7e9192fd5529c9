"""Ask a trained run, or a sweep's ensemble, about any data.

``python -m idc.evaluate run=ID`` scores the run's own test split anew; with ``data=idc
data.root=DIR`` another site's patches, at the threshold and calibration that the run chose on its
own validation.
"""

from omegaconf import DictConfig

from idc.launch.app import checked, composes, run_app


@composes("evaluate")
def compose_and_run(cfg: DictConfig) -> None:
    """Hydra's task: one evaluation."""
    checked(cfg)
    from idc.launch import commands

    commands.evaluate(cfg)


def main() -> None:
    """Entry point; see `idc.launch.app.run_app` for the exit codes."""
    run_app("evaluate", compose_and_run)


if __name__ == "__main__":
    main()
