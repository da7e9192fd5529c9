"""A whole network: pixels in, logits out."""

import torch

from idc.models import backbones
from idc.models.network import Network


def test_network_takes_bytes_or_floats_of_any_size() -> None:
    backbone = backbones.vanilla_cnn(48)
    network = Network(backbone, torch.nn.Linear(backbone.num_features, 2), 48).eval()
    images = torch.randint(0, 256, (3, 3, 50, 50), dtype=torch.uint8)
    assert torch.allclose(network(images), network(images.float() / 255), atol=1e-6)
