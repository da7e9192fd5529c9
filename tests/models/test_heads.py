"""Heads: features in, logits out."""

import pytest
import torch
from torch import nn

from idc.models import heads


@pytest.mark.parametrize(
    "head", [heads.linear(6, 3, dropout=0.5), heads.mlp(6, 3, hidden=[5, 4])], ids=["linear", "mlp"]
)
def test_logits_are_one_per_class_and_dropout_is_for_training(head: nn.Module) -> None:
    features = torch.rand(8, 6)
    torch.manual_seed(0)
    first, second = head(features), head(features)
    assert first.shape == (8, 3)
    assert not torch.equal(first, second)
    head.eval()
    assert torch.equal(head(features), head(features))


@pytest.mark.parametrize("batch_norm", [True, False])
def test_hidden_layers_have_the_given_sizes(batch_norm: bool) -> None:
    head = heads.mlp(6, 2, hidden=[5, 4], batch_norm=batch_norm)
    layers = [layer for layer in head if isinstance(layer, nn.Linear)]
    assert [(one.in_features, one.out_features) for one in layers] == [(6, 5), (5, 4), (4, 2)]
    # BatchNorm has an offset of its own.
    assert [one.bias is None for one in layers] == [batch_norm, batch_norm, False]
    assert sum(isinstance(layer, nn.BatchNorm1d) for layer in head) == 2 * batch_norm


def test_without_hidden_layers_it_is_linear() -> None:
    assert [type(layer) for layer in heads.mlp(6, 2, hidden=[])] == [nn.Linear]


def test_one_output_is_two_logits_whose_softmax_is_its_sigmoid() -> None:
    inner = heads.linear(6, 1)
    features = torch.rand(8, 6)
    logits = heads.SingleOutput(inner)(features)
    z = inner(features)[:, 0]
    assert torch.allclose(logits.softmax(1)[:, 1], z.sigmoid())
    labels = torch.tensor([0, 1] * 4)
    expected = nn.functional.binary_cross_entropy_with_logits(z, labels.float())
    assert torch.allclose(nn.functional.cross_entropy(logits, labels), expected)
