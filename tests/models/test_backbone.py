"""Which groups of a backbone learn, and how its batch norm follows."""

import pytest
import torch

from idc.errors import ConfigError
from idc.models import backbones
from idc.models.backbone import Freezing, layers, set_batch_norm_momentum


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


def test_layers_of_a_vgg_are_counted_as_keras_counts_them() -> None:
    with torch.device("meta"):
        backbone = backbones.vgg("vgg19", 50)
    # Keras's VGG19 without its dense layers: the input, 16 convolutions and 5 poolings.
    assert len(layers(backbone)) == 22
    Freezing(backbone, 6)
    frozen = [p.requires_grad for p in backbone.parameters()].count(False)
    assert frozen == 2 * 4  # weight and bias of four convolutions
    assert not any(p.requires_grad for p in backbone.groups()["block2"])
    assert all(p.requires_grad for p in backbone.groups()["block3"])
    with pytest.raises(ConfigError, match=r"backbone\.freeze=23.*1\.\.22.*block1"):
        Freezing(backbone, 23)


def test_a_number_of_layers_freezes_them_and_is_freed_one_by_one() -> None:
    backbone = backbones.vanilla_cnn(32, width=4)
    freezing = Freezing(backbone, 3)  # input, convolution, batch norm
    backbone.train()
    freezing.hold_eval()
    learns = {name: p.requires_grad for name, p in backbone.stages.named_parameters()}
    assert [name for name, free in learns.items() if not free] == [
        *("block1.0.weight", "block1.1.weight", "block1.1.bias")
    ]
    norms = [m for m in backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert [norm.training for norm in norms] == [False] + [True] * 5
    freezing.apply(2)
    assert backbone.stages.get_parameter("block1.1.weight").requires_grad
    assert not backbone.stages.get_parameter("block1.0.weight").requires_grad


def test_batch_norm_momentum_is_set_everywhere() -> None:
    backbone = backbones.mobilenet("mobilenet_v3_small", 50)
    set_batch_norm_momentum(backbone, 0.3)
    found = {m.momentum for m in backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)}
    assert found == {0.3}
