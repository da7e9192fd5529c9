"""Figures drawn here and in other processes."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from idc.plots.layer_features import filters_figure
from idc.runtime.drawing import MANY, Drawer, Drawing


def drawings(folder: Path, count: int) -> list[Drawing]:
    rng = np.random.default_rng(0)
    return [
        Drawing(
            folder / f"{i}.png",
            filters_figure,
            {"weights": rng.normal(size=(4, 3, 3, 3)), "name": f"layer {i}"},
        )
        for i in range(count)
    ]


def draw_all(figures: list[Drawing], workers: int, advance: Callable[[int], None] | None) -> None:
    drawer = Drawer(workers)
    drawer.add(figures[:2])
    drawer.add(figures[2:])
    drawer.finish(advance)


@pytest.mark.slow
def test_a_pool_draws_what_one_process_draws(tmp_path: Path) -> None:
    advanced: list[int] = []
    draw_all(drawings(tmp_path / "pool", MANY), 2, advanced.append)
    draw_all(drawings(tmp_path / "here", MANY), 1, None)
    assert sum(advanced) == MANY
    for i in range(MANY):
        pool, here = (cv2.imread(str(tmp_path / w / f"{i}.png")) for w in ("pool", "here"))
        assert pool is not None
        assert np.array_equal(pool, here)


def refuse(**_: object) -> Figure:
    raise ValueError("this cannot be drawn")


def test_what_cannot_be_drawn_is_told_and_costs_no_other_figure(tmp_path: Path) -> None:
    figures = [Drawing(tmp_path / "x.png", refuse, {}), *drawings(tmp_path, 1)]
    with pytest.raises(ValueError, match="cannot be drawn"):
        draw_all(figures, 1, None)
    assert [path.name for path in tmp_path.glob("*.png")] == ["0.png"]


def die(**_: object) -> Figure:
    """Take the process along, unless it is the parent."""
    if os.environ.get("DRAWS_HERE") != str(os.getpid()):
        os._exit(1)
    return Figure()


@pytest.mark.slow
def test_a_process_that_dies_loses_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DRAWS_HERE", str(os.getpid()))
    fatal = [Drawing(tmp_path / f"fatal{i}.png", die, {}) for i in range(MANY)]
    draw_all([*drawings(tmp_path, 1), *fatal], 2, None)
    assert len(list(tmp_path.glob("*.png"))) == MANY + 1
    assert "a process that draws figures died" in caplog.text
