"""Each choice of a backbone becomes a network of its size."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from idc.config.tree import conf_dir
from idc.pipelines.build import build_network

Compose = Callable[..., dict[str, Any]]


NAMES = sorted(path.stem for path in (conf_dir() / "backbone").glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_backbones_are_built_as_configured(compose: Compose, name: str) -> None:
    config = compose(f"backbone={name}", *(["backbone.model=resnet10t"] if name == "timm" else []))
    network = build_network(config, 3).eval()
    with torch.no_grad():
        out = network(torch.zeros(1, 3, 50, 50, dtype=torch.uint8))
    assert out.shape == (1, 3)


def test_size_and_stem_reach_the_backbone(compose: Compose) -> None:
    sizes = {}
    for stem in ("standard", "small"):
        config = compose("backbone=resnet18", f"backbone.stem={stem}", "data.image_size=64")
        network = build_network(config, 2)
        assert network.image_size == 64
        sizes[stem] = network.backbone.stages(torch.zeros(1, 3, 64, 64)).shape[-1]
    assert sizes == {"standard": 2, "small": 8}
