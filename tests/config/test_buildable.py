"""What comes with a run is data: nothing of it is executed, resolved or looked up."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra.utils
import pytest

from config.hostile import HOSTILE, Hostile, content_of, plant, set_trap
from idc.config.stored import read_origin
from idc.errors import CheckpointError

Compose = Callable[..., dict[str, Any]]
names = pytest.mark.parametrize("hostile", HOSTILE, ids=lambda h: h.name)


@names
def test_no_hostile_configuration_is_built(
    compose: Compose, tmp_path: Path, hostile: Hostile
) -> None:
    trap = set_trap(tmp_path)
    config = compose("backbone=simple_cnn")
    plant(config, hostile, trap)
    before = set(sys.modules)
    with pytest.raises(CheckpointError, match=r"run=1: best\.ckpt: .*_target_|would call"):
        read_origin(content_of(config), compose(), "run=1: best.ckpt")
    assert not trap.canary.exists()
    assert not {m for m in set(sys.modules) - before if m.startswith(("joblib", "runpy"))}


@pytest.mark.parametrize("hostile", [h for h in HOSTILE if h.fires], ids=lambda h: h.name)
def test_each_would_be_executed_by_hydra_alone(tmp_path: Path, hostile: Hostile) -> None:
    """Otherwise the test above would prove nothing."""
    trap = set_trap(tmp_path)
    try:
        hydra.utils.instantiate({"node": hostile.node(trap)})
    except Exception as error:  # what is built afterwards may not fit
        print(error)
    assert trap.canary.exists()
