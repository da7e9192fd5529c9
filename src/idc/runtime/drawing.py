"""Writing figures to files, in parallel processes where there are many."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError
from matplotlib.figure import Figure

from idc.runtime.cores import count_cores

log = logging.getLogger(__name__)
DPI = 120
MANY = 8  # figures; starting processes takes longer than drawing fewer


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


def draw_all(
    drawings: Sequence[Drawing],
    workers: int | None = None,
    advance: Callable[[int], None] | None = None,
) -> None:
    """Draw figures, in a pool of processes where there are many: matplotlib uses one core only.

    Args:
        drawings: The figures.
        workers: Number of processes; by default one per core.
        advance: Called with 1 after each figure.
    """
    workers = min(count_cores() if workers is None else workers, len(drawings))
    left = list(drawings)
    if workers > 1 and len(drawings) >= MANY:
        try:
            with parallel_config(backend="loky", inner_max_num_threads=1):
                pool = Parallel(workers, return_as="generator")
                for _ in pool(delayed(Drawing.save)(drawing) for drawing in drawings):
                    left.pop(0)
                    _advance(advance)
            return
        except TerminatedWorkerError:
            # Perhaps killed for its memory: drawing one figure after the other needs less.
            log.warning("a process that draws figures died; drawing the other %d here", len(left))
    for drawing in left:
        drawing.save()
        _advance(advance)


def _advance(advance: Callable[[int], None] | None) -> None:
    if advance is not None:
        advance(1)
