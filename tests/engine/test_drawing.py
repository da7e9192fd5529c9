"""Figures drawn here and in other processes."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from idc.engine.drawing import FEW, Drawing, draw_all
from idc.plots.filters import filters_figure


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
    told: list[int] = []
    draw_all(drawings(tmp_path / "pool", FEW), workers=2, advance=told.append)
    draw_all(drawings(tmp_path / "here", FEW), workers=1)
    assert sum(told) == FEW
    for i in range(FEW):
        pool, here = (cv2.imread(str(tmp_path / w / f"{i}.png")) for w in ("pool", "here"))
        assert pool is not None
        assert np.array_equal(pool, here)


def refuse(**_: object) -> Figure:
    raise ValueError("this cannot be drawn")


def test_what_cannot_be_drawn_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be drawn"):
        draw_all([Drawing(tmp_path / "x.png", refuse, {})])
