"""Sets whose images are no files of their own go through a training and its evaluation."""

from pathlib import Path

import pandas as pd
import pytest

from conftest import TINY, Cli
from data.archives import ARCHIVES

pytestmark = pytest.mark.slow
QUICK = [o for o in TINY if not o.startswith("data.")]
OF = {"bach": ("data.tile=32", "data.stride=16"), "pcam": ("split=predefined",)}


@pytest.mark.parametrize("name", OF)
def test_squares_and_arrays_are_trained_on(name: str, cli: Cli, tmp_path: Path) -> None:
    ARCHIVES[name](tmp_path / "archive")
    data = (f"data.root={tmp_path / 'archive'}", f"data={name}", "data.patch_size=24", *OF[name])
    result = cli(*QUICK, *data, "explain=none", "report=false")
    assert result.code == 0, result.err
    (run,) = result.runs()
    predictions = pd.read_parquet(result.folders[0] / "evaluation" / "predictions.parquet")
    sides = predictions.groupby("patient")["split"].nunique()
    assert (sides == 1).all()
    assert run.data.tags["data.patients"].startswith("unknown" if name == "bach" else "known")
