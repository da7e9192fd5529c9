"""Writing figures to files, in other processes where there are many."""

import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joblib.externals.loky.process_executor import BrokenProcessPool, ProcessPoolExecutor
from matplotlib.figure import Figure

from idc.runtime.cores import count_cores

log = logging.getLogger(__name__)
DPI = 120
MANY = 8  # figures; starting processes takes longer than drawing fewer
IDLE = 300  # seconds after which a process without work ends
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Drawing:
    """A figure to be drawn later.

    Attributes:
        path: The PNG file to write.
        function: A function of `idc.plots`, importable in another process.
        arguments: Its keyword arguments.
    """

    path: Path
    function: Callable[..., Figure]
    arguments: Mapping[str, Any]

    def save(self) -> None:
        """Draw the figure and write it."""
        save_figure(self.function(**self.arguments), self.path)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG with a white background."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DPI, facecolor="white")


def save_figures(figures: Iterable[tuple[str, Figure]], folder: Path) -> None:
    """Write figures, each to ``<name>.png``."""
    for name, figure in figures:
        save_figure(figure, folder / f"{name}.png")


class Drawer:
    """Draws figures in other processes while the caller computes; a few of them at the end, here.

    matplotlib uses one core only.

    Args:
        workers: Number of processes; by default one per core.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = count_cores() if workers is None else workers
        self.waiting: list[Drawing] = []
        self.running: list[tuple[Drawing, Future[None]]] = []
        self._pool: ProcessPoolExecutor | None = None

    def __len__(self) -> int:
        """The number of figures that were added."""
        return len(self.waiting) + len(self.running)

    def add(self, drawings: Iterable[Drawing]) -> None:
        """Add figures; from `MANY` on they are drawn at once."""
        self.waiting += drawings
        if self.workers < 2 or len(self) < MANY:
            return
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self.workers, timeout=IDLE, env=ONE_THREAD)
        with suppress(BrokenProcessPool):
            while self.waiting:
                self.running.append((self.waiting[0], self._pool.submit(self.waiting[0].save)))
                del self.waiting[0]

    def finish(self, advance: Callable[[int], None] | None = None) -> None:
        """Wait for all figures, and draw those that are left.

        Args:
            advance: Called with 1 after each figure.

        Raises:
            Exception: A figure cannot be drawn; the others are.
        """
        done = advance or (lambda _: None)
        errors: list[Exception] = []
        left = self.waiting
        for drawing, future in self.running:
            try:
                future.result()
                done(1)
            except BrokenProcessPool:
                left.append(drawing)
            except Exception as error:
                errors.append(error)
        if self._pool is not None:
            if left:  # perhaps killed for its memory: one figure after the other needs less
                log.warning(
                    "a process that draws figures died; drawing the other %d here", len(left)
                )
            self._pool.shutdown()
        for drawing in left:
            try:
                drawing.save()
                done(1)
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]
