"""Pretrained weights: a file, checked key by key, or torchvision's own."""

from pathlib import Path

import pytest
import torch
from torchvision import models as tv

from idc.errors import CheckpointError
from idc.models import backbones


def test_weights_file_is_loaded_and_the_classifier_may_be_missing(tmp_path: Path) -> None:
    source = tv.mobilenet_v3_small()
    state = source.state_dict()
    path = tmp_path / "weights.pth"
    torch.save({k: v for k, v in state.items() if not k.startswith("classifier")}, path)
    loaded = backbones.mobilenet("mobilenet_v3_small", 50, str(path))
    assert torch.equal(loaded.stages.stage1[0][0].weight, state["features.0.0.weight"])


def test_weights_of_another_backbone_are_refused_by_key(tmp_path: Path) -> None:
    path = tmp_path / "resnet.pth"
    torch.save(tv.resnet18().state_dict(), path)
    with pytest.raises(CheckpointError, match=r"does not fit.*missing: features\.0"):
        backbones.mobilenet("mobilenet_v3_small", 50, str(path))
    with pytest.raises(CheckpointError, match="shape"):
        backbones.resnet("resnet50", 50, str(path))


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path("pickle_bomb_went_off").write_text, ("boom",))


def test_pickle_bomb_does_not_go_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"features": Bomb()}, "bomb.pth")
    with pytest.raises(CheckpointError, match="run code"):
        backbones.vgg("vgg16", 50, "bomb.pth")
    assert not Path("pickle_bomb_went_off").exists()


def test_imagenet_weights_offline_say_which_file_goes_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from urllib.error import URLError

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def no_network(*args: object, **kwargs: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr("torch.hub.download_url_to_file", no_network)
    with pytest.raises(CheckpointError, match=r"resnet18-f37072fd\.pth.*put it at") as caught:
        backbones.resnet("resnet18", 50, "imagenet")
    assert str(tmp_path) in str(caught.value)


def test_imagenet_weights_come_from_torchvisions_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Put a file where the error message says: it is found there."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    weights = tv.get_model_weights("mobilenet_v3_small").DEFAULT
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    state = tv.mobilenet_v3_small().state_dict()
    torch.save(state, folder / weights.url.rsplit("/", 1)[-1])
    loaded = backbones.mobilenet("mobilenet_v3_small", 50, "imagenet")
    assert torch.equal(loaded.stages.stage1[0][0].weight, state["features.0.0.weight"])
