from pathlib import Path

import pytest
import torch
from torchvision import models as tv

from idc.errors import CheckpointError, ConfigError
from idc.models import backbones
from idc.models.backbone import Freezing, set_batch_norm_momentum
from idc.models.network import Network

SMALL = {
    "resnet18": lambda size: backbones.resnet("resnet18", size),
    "vgg16": lambda size: backbones.vgg("vgg16", size),
    "vgg16_bn": lambda size: backbones.vgg("vgg16_bn", size),
    "mobilenet_v2": lambda size: backbones.mobilenet("mobilenet_v2", size),
    "mobilenet_v3_small": lambda size: backbones.mobilenet("mobilenet_v3_small", size),
    "simple_cnn": lambda size: backbones.simple_cnn(size),
    "vanilla_cnn": lambda size: backbones.vanilla_cnn(size),
}


@pytest.mark.parametrize("name", SMALL)
def test_stages_give_the_features_they_promise(name: str) -> None:
    with torch.device("meta"):  # shapes only: to draw the weights of a VGG takes seconds
        backbone = SMALL[name](50).eval()
        out = backbone(torch.rand(2, 3, 50, 50))
    assert out.shape == (2, backbone.num_features)
    assert len(backbone.groups()) >= 1


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "mobilenet_v3_small", "vgg16_bn"])
def test_cutting_into_stages_changes_nothing(name: str) -> None:
    torch.manual_seed(0)
    reference = tv.get_model(name, weights=None).eval()
    torch.manual_seed(0)
    ours = SMALL[name](64).eval()
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        if name == "resnet18":
            reference.fc = torch.nn.Identity()
            expected = reference(x)
        else:
            expected = reference.features(x).mean((2, 3))
        assert torch.allclose(ours(x), expected, atol=1e-5)


def test_small_stem_keeps_resolution() -> None:
    standard = backbones.resnet("resnet18", 50, stem="standard")
    small = backbones.resnet("resnet18", 50, stem="small")
    x = torch.rand(1, 3, 50, 50)
    assert standard.stages(x).shape[-1] == 2
    assert small.stages(x).shape[-1] == 7
    with pytest.raises(ConfigError, match=r"backbone\.stem"):
        backbones.resnet("resnet18", 50, stem="tiny")


@pytest.mark.parametrize(("freeze", "frozen"), [("none", 0), ("layer1", 2), ("all", 5)])
def test_freezing_stops_gradients_and_batch_norm(freeze: str, frozen: int) -> None:
    backbone = backbones.resnet("resnet18", 50)
    freezing = Freezing(backbone, freeze)
    backbone.train()
    freezing.hold_eval()
    before = {k: v.clone() for k, v in backbone.named_buffers()}
    out = backbone(torch.rand(4, 3, 50, 50))
    if frozen < 5:
        out.sum().backward()
    for number, (_, stage) in enumerate(backbone.stages.named_children()):
        learns = number >= frozen
        assert all((p.grad is not None) == learns for p in stage.parameters())
    moved = [k for k, v in backbone.named_buffers() if not torch.equal(v, before[k])]
    held = [f"stages.{n}." for n in list(backbone.groups())[:frozen]]
    assert not any(name.startswith(tuple(held)) for name in moved if held)
    assert bool(moved) == (frozen < 5)


def test_unknown_stage_is_refused_with_the_choices() -> None:
    with pytest.raises(ConfigError, match=r"backbone\.freeze=layer9.*stem, layer1"):
        Freezing(backbones.resnet("resnet18", 50), "layer9")


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


def test_network_takes_bytes_or_floats_of_any_size() -> None:
    backbone = backbones.vanilla_cnn(48)
    network = Network(backbone, torch.nn.Linear(backbone.num_features, 2), 48).eval()
    images = torch.randint(0, 256, (3, 3, 50, 50), dtype=torch.uint8)
    assert torch.allclose(network(images), network(images.float() / 255), atol=1e-6)


def test_batch_norm_momentum_is_set_everywhere() -> None:
    backbone = backbones.mobilenet("mobilenet_v3_small", 50)
    set_batch_norm_momentum(backbone, 0.3)
    found = {m.momentum for m in backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)}
    assert found == {0.3}
