"""A review: what Hydra knows of it becomes what a pipeline needs."""

from omegaconf import DictConfig
from rich.console import Console

from idc.launch.app import telling
from idc.launch.composed import composed
from idc.launch.table import where_to_look
from idc.pipelines.review import review_run


def run(cfg: DictConfig) -> None:
    """Review the run of a composed configuration.

    Raises:
        SystemExit: It failed; the reason has been printed.
        KeyboardInterrupt: The user stopped it before the page was served.
    """
    console = Console(soft_wrap=True)
    with telling():
        config, folder = composed(cfg)
        told = review_run(
            config, folder, lambda address: console.print(f"review: {address}   (Ctrl-C ends it)")
        )
    if told.findings is None:
        console.print("no answers yet")
        return
    metrics = told.findings.metrics
    console.print(
        f"{metrics['review/cases']:.0f} cases, {metrics['review/readers']:.0f} reader(s), "
        f"{len(told.findings.suspects)} label suspect(s), {len(told.findings.corrections)} "
        f"correction(s)"
    )
    for note in told.findings.notes:
        console.print(f"note: {note}")
    console.print(f"answers: {told.journal}")
    console.print(f"files:   {told.folder}")
    console.print(f"run:     {told.run_id}, under review   ({where_to_look(config)})")
