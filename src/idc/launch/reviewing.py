"""A review: what Hydra knows of it becomes what a pipeline needs."""

from omegaconf import DictConfig
from rich.console import Console

from idc.launch.composed import composed
from idc.launch.table import where_to_look
from idc.launch.terminal import reporting_errors
from idc.pipelines.review import review_run
from idc.reader_study.run_answers import FOLDER


def run(cfg: DictConfig) -> None:
    """Review the run of a composed configuration.

    Raises:
        SystemExit: It failed; the reason has been printed.
        KeyboardInterrupt: The user stopped it before the page was served.
    """
    console = Console(soft_wrap=True)
    with reporting_errors():
        config, folder = composed(cfg)
        results, answers = review_run(
            config, folder, lambda address: console.print(f"review: {address}   (Ctrl-C ends it)")
        )
    if results is None:
        console.print("no answers yet")
        return
    metrics = results.metrics
    console.print(
        f"{metrics['review/cases']:.0f} cases, {metrics['review/readers']:.0f} reader(s), "
        f"{len(results.suspects)} label suspect(s), {len(results.corrections)} "
        f"correction(s)"
    )
    for note in results.notes:
        console.print(f"note: {note}")
    console.print(f"answers: {answers}")
    console.print(f"files:   {folder / FOLDER}")
    console.print(f"run:     {config['run']}, under review   ({where_to_look(config)})")
