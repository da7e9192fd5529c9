"""A checkpoint is whole, or refused by its path and by what it lacks."""

from pathlib import Path
from typing import Any

import pytest
import torch

from idc.errors import CheckpointError
from idc.models.checkpoint import STATE, load_checkpoint
from idc.runtime.digests import KEY, seal


def content(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "epoch": 1,
        "global_step": 3,
        "pytorch-lightning_version": "2.6.6",
        "loops": {},
        "callbacks": {},
        "optimizer_states": [],
        "lr_schedulers": [],
        "state_dict": {
            "network.mean": torch.zeros(3),
            "network.std": torch.ones(3),
            "network.head.weight": torch.ones(2, 2),
            "other": torch.full((1,), torch.nan),
        },
        "idc": {"run_id": None},
    }
    return {**whole, **changes}


def saved(path: Path, what: dict[str, Any], sealed: bool = True) -> Path:
    if sealed:
        seal(what)
    torch.save(what, path / "a.ckpt")
    return path / "a.ckpt"


def test_a_whole_one_gives_the_networks_weights(tmp_path: Path) -> None:
    loaded = load_checkpoint(saved(tmp_path, content()), "resume", to_train=True)
    assert set(loaded.network_state()) == {"mean", "std", "head.weight"}


@pytest.mark.parametrize("name", sorted(STATE))
def test_training_needs_all_that_lightning_saved(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, content(**{name: None}))
    with pytest.raises(CheckpointError, match=rf"resume: {path}: .*{name}"):
        load_checkpoint(path, "resume", to_train=True)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_are_numbers(tmp_path: Path, value: float) -> None:
    whole = content()
    whole["state_dict"]["network.head.weight"][1, 1] = value
    loaded = load_checkpoint(saved(tmp_path, whole), "run=1")
    with pytest.raises(CheckpointError, match=r"a\.ckpt: the weights head\.weight hold values"):
        loaded.network_state()


@pytest.mark.parametrize("state", [None, {}, {"network.mean": torch.zeros(3)}, [1]])
def test_there_are_weights(tmp_path: Path, state: object) -> None:
    loaded = load_checkpoint(saved(tmp_path, content(state_dict=state)), "run=1")
    with pytest.raises(CheckpointError, match=r"a\.ckpt holds no weights"):
        loaded.network_state()


def test_a_changed_one_is_damaged(tmp_path: Path) -> None:
    whole = content()
    seal(whole)
    whole["state_dict"]["network.head.weight"].neg_()
    with pytest.raises(CheckpointError, match=r"a\.ckpt is damaged"):
        load_checkpoint(saved(tmp_path, whole, sealed=False), "run=1")


def test_one_without_a_digest_is_not_believed(tmp_path: Path) -> None:
    assert KEY not in content()
    with pytest.raises(CheckpointError, match="has no digest"):
        load_checkpoint(saved(tmp_path, content(), sealed=False), "run=1")


def test_a_cut_one_is_damaged(tmp_path: Path) -> None:
    path = saved(tmp_path, content())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(CheckpointError, match="is no PyTorch file or is damaged"):
        load_checkpoint(path, "run=1")
