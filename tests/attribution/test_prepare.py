"""Copies that methods may do what they want with."""

import pytest
import torch

from idc.attribution.prepare import explainable_copy
from idc.models import backbones
from idc.models.heads import linear
from idc.models.network import Network


@pytest.fixture
def resnet() -> Network:
    torch.manual_seed(0)
    backbone = backbones.resnet("resnet18", 32)
    return Network(backbone, linear(backbone.num_features, 2), 32)


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
