"""A progress bar that counts patches."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SMALL = 2000  # patches; fewer are done too soon for a bar


def shows_progress() -> bool:
    """Whether progress bars are enabled; ``IDC_PROGRESS=0`` disables them."""
    return os.environ.get("IDC_PROGRESS", "1") != "0"


@contextmanager
def progress_bar(total: int, what: str, small: int = SMALL) -> Iterator[Callable[[int], None]]:
    """Show a progress bar inside the ``with`` block.

    Args:
        total: Number of patches.
        what: Label of the bar.
        small: No bar is shown for fewer patches.

    Yields:
        A function that advances the bar by a number of patches.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    quiet = not shows_progress() or total < small
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)
