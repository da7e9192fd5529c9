"""Copies that methods may do what they want with."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from idc.attribution.prepare import Turns, explainable_copy, one_use_each
from idc.models import backbones
from idc.models.heads import linear
from idc.models.network import Network


class Shared(nn.Module):
    """One activation used three times, under two names; another one used once."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU()
        self.same = self.act
        self.once = nn.Tanh()
        self.weight = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.once(self.same(self.weight(self.act(self.weight(self.act(x))))))


@pytest.fixture
def resnet() -> Network:
    torch.manual_seed(0)
    backbone = backbones.resnet("resnet18", 32)
    return Network(backbone, linear(backbone.num_features, 2), 32)


def counted(model: nn.Module, inputs: Tensor) -> dict[nn.Module, int]:
    uses: dict[nn.Module, int] = {}

    def hook(module: nn.Module, *_: object) -> None:
        uses[module] = uses.get(module, 0) + 1

    handles = [m.register_forward_hook(hook) for m in leaves(model)]
    model(inputs)
    for handle in handles:
        handle.remove()
    return uses


def leaves(model: nn.Module) -> Iterator[nn.Module]:
    return (m for m in model.modules() if not any(m.children()))


def test_reused_activations_get_a_copy_for_each_use() -> None:
    model, inputs = Shared(), torch.randn(5, 4)
    copy = one_use_each(model, inputs[:1])
    assert torch.equal(copy(inputs), model(inputs))
    assert isinstance(copy.act, Turns)
    assert copy.act is copy.same
    assert len(copy.act.copies) == 3
    assert isinstance(copy.once, nn.Tanh)
    # What has weights stays one, and shares them with the model.
    assert copy.weight.weight is model.weight.weight
    # The model itself is as it was, and its copies do not lose count after a pass that failed.
    assert isinstance(model.act, nn.ReLU)
    with pytest.raises(RuntimeError):
        copy(torch.randn(5, 3))
    assert torch.equal(copy(inputs), model(inputs))


def test_in_a_resnet_every_relu_is_used_once(resnet: Network) -> None:
    copy = explainable_copy(resnet, "cpu")
    inputs = torch.rand(2, 3, 32, 32)
    assert max(n for m, n in counted(copy, inputs).items() if isinstance(m, nn.ReLU)) == 2
    own = one_use_each(copy, inputs[:1])
    uses = counted(own, inputs)
    assert set(uses.values()) == {1}
    assert sum(isinstance(m, nn.ReLU) for m in uses) == 17
    assert torch.equal(own(inputs), copy(inputs))
    assert not any(m._forward_hooks for m in copy.modules())


def test_an_explainable_copy_is_independent(resnet: Network) -> None:
    with torch.inference_mode():
        copy = explainable_copy(resnet.train(), "cpu")
    assert not any(m.training for m in copy.modules())
    assert not any(getattr(m, "inplace", False) for m in copy.modules())
    assert not any(p.requires_grad for p in copy.parameters())
    assert all(p.requires_grad for p in resnet.parameters())
    assert resnet.training
    with torch.no_grad():
        next(copy.parameters()).zero_()
    assert next(resnet.parameters()).any()
