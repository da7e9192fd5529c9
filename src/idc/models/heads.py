"""Heads: from a backbone's vector to logits."""

from collections.abc import Sequence

from torch import nn


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
