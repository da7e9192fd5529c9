"""Figures written to files, many of them at once in other processes."""

import logging
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
from matplotlib.figure import Figure

from idc.cores import count_cores

log = logging.getLogger(__name__)
DPI = 120
FEW = 6  # figures that are drawn sooner than another process has started


@dataclass(frozen=True)
class Drawing:
    """A figure that is still to be drawn.

    Attributes:
        path: Where it goes, as PNG.
        function: One of `idc.plots`; another process must be able to import it.
        arguments: Its arguments by name: arrays, tables, words.
    """

    path: Path
    function: Callable[..., Figure]
    arguments: Mapping[str, Any]

    def save(self) -> None:
        """Draw and write it."""
        save_figure(self.function(**self.arguments), self.path)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, white behind, nothing cut off."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DPI, facecolor="white")


def save_figures(figures: Iterable[tuple[str, Figure]], folder: Path) -> None:
    """Write figures, each under its name."""
    for name, figure in figures:
        save_figure(figure, folder / f"{name}.png")


def draw_all(
    drawings: Sequence[Drawing],
    workers: int | None = None,
    advance: Callable[[int], None] | None = None,
) -> None:
    """Draw figures, in a pool of processes where there are many: matplotlib keeps one core busy.

    Args:
        drawings: What to draw.
        workers: Processes; by default one a core.
        advance: Told of each figure that is done.
    """
    workers = min(count_cores() if workers is None else workers, len(drawings))
    if workers < 2 or len(drawings) < FEW:
        _draw_here(drawings, advance)
        return
    # Not forked from this process, whose threads would be missing; a server forks from a clean one
    # that has imported matplotlib once.
    context = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
    if sys.platform == "linux":
        context.set_forkserver_preload(["idc.engine.drawing", "idc.plots.attribution"])
    left = list(drawings)
    try:
        with ProcessPoolExecutor(workers, context, cv2.setNumThreads, (1,)) as pool:
            for _ in pool.map(Drawing.save, drawings):
                left.pop(0)
                if advance is not None:
                    advance(1)
    except BrokenProcessPool:
        # Killed, for its memory perhaps: one figure after the other needs less.
        log.warning("a process that draws figures died; drawing the other %d here", len(left))
        _draw_here(left, advance)


def _draw_here(drawings: Sequence[Drawing], advance: Callable[[int], None] | None) -> None:
    for drawing in drawings:
        drawing.save()
        if advance is not None:
            advance(1)
