"""Models of timm as backbones, by their own head, groups and exemptions; nothing is downloaded."""

from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

from idc.errors import CheckpointError, ConfigError
from idc.models import backbones
from idc.models.backbone import Backbone, Freezing
from idc.models.heads import linear
from idc.models.network import Network
from idc.models.optimizers import parameter_groups

timm = pytest.importorskip("timm")

# Model: image size, width of the vector, groups (coarse).
MODELS = {
    "vit_tiny_patch16_224": (48, 192, 13),
    "deit_tiny_distilled_patch16_224": (48, 192, 13),
    "swin_tiny_patch4_window7_224": (64, 768, 6),
    "mixer_s32_224": (64, 512, 9),
    "xcit_nano_12_p16_224": (48, 128, 15),
    "mobilevit_xxs": (50, 320, 6),  # convolutions and attention
    "convnext_atto": (50, 320, 6),
    "efficientnet_b0": (50, 1280, 8),
    "mobilenetv3_small_050": (50, 1024, 8),  # timm's num_features says 288
    "resnet10t": (50, 512, 5),
    "poolformer_s12": (50, 512, 3),  # has no groups of its own
}


@cache
def built(name: str) -> Backbone:
    """For tests that only look."""
    torch.manual_seed(0)
    return backbones.timm(name, MODELS[name][0]).eval()


@pytest.mark.parametrize("name", MODELS)
def test_the_vector_is_what_the_models_own_classifier_would_get(name: str) -> None:
    size, width, _ = MODELS[name]
    backbone = built(name)
    x = torch.rand(2, 3, size, size)
    with torch.no_grad():
        features = backbone(x)
        assert features.shape == (2, width)
        assert torch.equal(features, backbone.stages(x))  # num_classes=0: all but the classifier
    assert backbone.num_features == width
    assert features.std() > 0


@pytest.mark.parametrize("name", MODELS)
def test_groups_hold_every_parameter_once_from_the_image_to_the_vector(name: str) -> None:
    backbone = built(name)
    groups = backbone.groups()
    assert len(groups) == MODELS[name][2]
    assert next(iter(groups)) == "stem"
    grouped = [id(p) for parameters in groups.values() for p in parameters]
    assert sorted(grouped) == sorted(id(p) for p in backbone.parameters())


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "resnet10t", "mixer_s32_224"])
def test_a_training_step_lowers_the_loss_and_a_state_dict_brings_it_back(name: str) -> None:
    size, width, _ = MODELS[name]
    torch.manual_seed(0)
    network = Network(backbones.timm(name, size), linear(width, 2), size).train()
    groups = parameter_groups(network, 1e-4)
    optimizer = torch.optim.AdamW(groups, lr=1e-4)
    images, labels = torch.rand(4, 3, size, size), torch.tensor([0, 1, 0, 1])
    losses = []
    for _ in range(2):
        loss = nn.functional.cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    again = Network(backbones.timm(name, size), linear(width, 2), size)
    again.load_state_dict(network.state_dict())
    with torch.no_grad():
        assert torch.equal(again.eval()(images), network.eval()(images))


def test_freezing_goes_by_the_models_groups() -> None:
    backbone = backbones.timm("vit_tiny_patch16_224", 48)
    freezing = Freezing(backbone, "blocks.2")
    backbone.train()
    freezing.hold_eval()
    learns = {name: p.requires_grad for name, p in backbone.stages.named_parameters()}
    assert not learns["cls_token"]
    assert not learns["blocks.2.mlp.fc2.weight"]
    assert learns["blocks.3.norm1.weight"]
    assert [block.training for block in backbone.stages.blocks] == [False] * 3 + [True] * 9
    freezing.apply(1)
    assert backbone.stages.blocks[0].norm1.weight.requires_grad
    assert not backbone.stages.patch_embed.proj.weight.requires_grad
    with pytest.raises(ConfigError, match=r"backbone\.freeze=layer1.*stem, blocks\.0"):
        Freezing(backbone, "layer1")


def test_weight_decay_spares_what_the_model_says() -> None:
    backbone = built("vit_tiny_patch16_224")
    groups = {g["name"]: g for g in parameter_groups(Network(backbone, linear(192, 2), 48), 0.1)}
    spared = {id(p) for p in groups["backbone/no_decay"]["params"]}
    vit = backbone.stages
    for exempt in (vit.cls_token, vit.pos_embed, vit.norm.weight, vit.blocks[0].attn.qkv.bias):
        assert id(exempt) in spared
    assert id(vit.blocks[0].attn.qkv.weight) not in spared


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size", "fitting"),
    [
        ("vit_tiny_patch16_224", 50, "48 or 64"),
        ("mixer_s32_224", 50, "32 or 64"),
        ("swin_tiny_patch4_window7_224", 50, "48 or 52"),
        ("levit_128s", 50, "48 or 64"),
    ],
)
def test_a_size_that_would_be_cut_or_refused_names_those_that_fit(
    name: str, size: int, fitting: str
) -> None:
    with torch.device("meta"), pytest.raises(ConfigError) as caught:
        backbones.timm(name, size)
    assert f"data.image_size={size}" in str(caught.value)
    assert f"data.image_size to {fitting};" in str(caught.value)


def test_an_unknown_name_is_refused_with_similar_ones() -> None:
    with pytest.raises(ConfigError, match=r"no such model.*resnet"):
        backbones.timm("resnet_that_is_not", 50)


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_a_file_of_weights_fits_another_image_size_and_loses_its_classifier(
    tmp_path: Path, kind: str
) -> None:
    source = timm.create_model("vit_tiny_patch16_224", img_size=64, num_classes=5)
    path = tmp_path / f"vit.{kind}"
    if kind == "pth":
        torch.save(source.state_dict(), path)
    else:
        from safetensors.torch import save_file

        save_file(source.state_dict(), path)
    loaded = backbones.timm("vit_tiny_patch16_224", 48, str(path))
    ours, theirs = loaded.stages.state_dict(), source.state_dict()
    assert torch.equal(ours["blocks.3.mlp.fc1.weight"], theirs["blocks.3.mlp.fc1.weight"])
    assert ours["pos_embed"].shape == (1, 10, 192)  # resized from 4 x 4 to 3 x 3 and the class
    assert torch.equal(ours["pos_embed"][:, 0], theirs["pos_embed"][:, 0])
    # Its weights were made for pixels around 0.5, not for ImageNet's mean.
    network = Network(loaded, linear(192, 2), 48)
    assert network.mean.flatten().tolist() == [0.5, 0.5, 0.5]
    assert Network(built("vit_tiny_patch16_224"), linear(192, 2), 48).mean[0].item() != 0.5


def test_a_file_of_another_model_is_refused_by_key(tmp_path: Path) -> None:
    path = tmp_path / "resnet.pth"
    torch.save(timm.create_model("resnet10t").state_dict(), path)
    with pytest.raises(CheckpointError, match="does not fit this backbone"):
        backbones.timm("vit_tiny_patch16_224", 48, str(path))
    with pytest.raises(CheckpointError, match=r"missing: layer1\.0\.bn3"):
        backbones.timm("resnet26t", 50, str(path))


def test_pretrained_weights_that_cannot_be_had_say_where_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", no_network)
    with pytest.raises(CheckpointError, match=r"no network.*timm/resnet10t.*backbone\.weights="):
        backbones.timm("resnet10t", 50, "imagenet")
