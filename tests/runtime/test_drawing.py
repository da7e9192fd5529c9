"""Figures drawn here and in other processes."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from idc.plots.convolution_filters import filters_figure
from idc.runtime.drawing import MANY, Drawing, draw_all


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


@pytest.mark.slow
def test_a_pool_draws_what_one_process_draws(tmp_path: Path) -> None:
    advanced: list[int] = []
    draw_all(drawings(tmp_path / "pool", MANY), workers=2, advance=advanced.append)
    draw_all(drawings(tmp_path / "here", MANY), workers=1)
    assert sum(advanced) == MANY
    for i in range(MANY):
        pool, here = (cv2.imread(str(tmp_path / w / f"{i}.png")) for w in ("pool", "here"))
        assert pool is not None
        assert np.array_equal(pool, here)


def refuse(**_: object) -> Figure:
    raise ValueError("this cannot be drawn")


def test_what_cannot_be_drawn_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be drawn"):
        draw_all([Drawing(tmp_path / "x.png", refuse, {})])


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
    draw_all([*drawings(tmp_path, 1), *fatal], workers=2)
    assert len(list(tmp_path.glob("*.png"))) == MANY + 1
    assert "a process that draws figures died" in caplog.text
