"""A progress bar for work that is counted in patches."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SMALL = 2000  # patches that are read before anybody looks


def shows_progress() -> bool:
    """Whether bars are wanted; ``IDC_PROGRESS=0`` turns them off."""
    return os.environ.get("IDC_PROGRESS", "1") != "0"


@contextmanager
def progress_bar(total: int, what: str, small: int = SMALL) -> Iterator[Callable[[int], None]]:
    """Show a bar while inside.

    Args:
        total: Number of patches.
        what: What is done to them.
        small: Fewer of them are done before anybody looks: no bar is shown.

    Yields:
        A function to be told how many more are done.
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
