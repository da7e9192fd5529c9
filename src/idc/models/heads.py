"""Heads: from a backbone's vector to logits."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def linear(num_features: int, num_classes: int, dropout: float = 0.0) -> nn.Module:
    """Dropout and one dense layer: (N, num_features) to logits (N, num_classes)."""
    return nn.Sequential(nn.Dropout(dropout), nn.Linear(num_features, num_classes))


def mlp(
    num_features: int,
    num_classes: int,
    hidden: Sequence[int] = (256,),
    dropout: float = 0.3,
    batch_norm: bool = True,
) -> nn.Module:
    """Dense layers with BatchNorm, ReLU and dropout: (N, num_features) to (N, num_classes)."""
    layers: list[nn.Module] = []
    width = num_features
    for size in hidden:
        layers.append(nn.Linear(width, size, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm1d(size))
        layers += [nn.ReLU(), nn.Dropout(dropout)]
        width = size
    return nn.Sequential(*layers, nn.Linear(width, num_classes))


class SingleOutput(nn.Module):
    """A head with one output z as the logits (0, z) of two classes.

    Their softmax is the sigmoid of z, and their cross-entropy the binary cross-entropy of z: all
    that takes the logits of two classes takes these.

    Args:
        head: (N, num_features) to (N, 1).
    """

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, features: Tensor) -> Tensor:
        """Features, float (N, num_features), to logits, float (N, 2)."""
        output: Tensor = self.head(features)
        return torch.cat([torch.zeros_like(output), output], dim=1)
