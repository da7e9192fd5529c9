"""The command that trains on a prepared set is one that Hydra takes, with the same values."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from conftest import Cli
from idc.config.build import build
from idc.data.audit.findings import FINDINGS
from idc.data.sources.base import Source
from idc.pipelines.next_step import assume_positive, propose_patients, training_command

Compose = Callable[..., dict[str, Any]]
NOTHING = pd.DataFrame({"finding": list(FINDINGS), "patches": 0})


def write(root: Path, dtype: type = np.uint8, most: int = 256) -> None:
    rng = np.random.default_rng(0)
    for patient in range(8):
        for number in range(6):
            path = root / ("ill", "not ill")[number % 2] / f"p{patient}_{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), rng.integers(0, most, (20, 20), dtype))


def command(config: dict[str, Any], findings: pd.DataFrame = NOTHING) -> tuple[Source, str]:
    source = build(config["data"]["source"], "data")
    assume_positive(source)
    index = source.scan().index.assign(low=0.0, high=4000.0)
    patterns = propose_patients(source, index)
    return source, training_command(config, source, index, findings, patterns)


def test_what_was_assumed_and_set_goes_into_it(tmp_path: Path, compose: Compose) -> None:
    root = tmp_path / "my images"
    write(root)
    given = ("data=folder", f"data.root='{root}'")
    source, words = command(compose(*given, "data.patch_size=20", "data.window=[3,5]"))
    assert source.positive == "ill"
    program, *options = shlex.split(words.partition("python -m ")[2])
    assert program == "idc.train"
    data = compose(*options)["data"]
    assert data["root"] == str(root)
    assert (data["positive"], data["patch_size"], data["window"]) == ("ill", 20, [3, 5])
    trained = build(data["source"], "data").scan().index
    assert trained["patient"].nunique() == 8


def test_findings_that_would_stop_a_training_are_answered(tmp_path: Path, compose: Compose) -> None:
    write(tmp_path)
    found = NOTHING.assign(
        patches=NOTHING["finding"].isin(["odd_mode", "truncated", "narrow_range", "one_class"])
    )
    config = compose("data=folder", f"data.root={tmp_path}")
    options = shlex.split(command(config, found)[1])
    assert {"audit.odd_mode=keep", "audit.truncated=drop", "data.window=[2048,4096]"} <= set(
        options
    )
    assert not any("one_class" in option for option in options)


@pytest.mark.slow
def test_a_folder_that_nobody_described_is_shown_whole(prepare: Cli, tmp_path: Path) -> None:
    write(tmp_path / "set", np.uint16, 4096)
    cv2.imwrite(str(tmp_path / "set" / "ill" / "p9_1.png"), np.zeros((40, 20), np.uint16))
    result = prepare("data=folder", f"data.root={tmp_path / 'set'}", drawn=True)
    assert result.code == 0, result.err
    line = next(line for line in result.out.splitlines() if line.startswith("train: "))
    assert "data.positive=ill" in line
    assert "'data.window=[2048,4096]'" in line
    assert "(?P<patient>" in line
    page = (result.folders[0] / "report" / "report.html").read_text()
    assert "data.window=[2048,4096]" in page
    assert str(tmp_path) not in page
    assert "16-bit grey" in page
    assert "20x40 px" in page
    figures = {path.name for path in (result.folders[0] / "report").glob("*.png")}
    assert "sizes.png" in figures
    assert not {"patients.png", "colour_by_patient.png"} & figures
