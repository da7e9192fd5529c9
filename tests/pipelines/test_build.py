"""Each choice of a backbone becomes a network of its size."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from idc.config.tree import conf_dir
from idc.errors import ConfigError
from idc.pipelines.build import build_network, check_backbone

Compose = Callable[..., dict[str, Any]]


NAMES = sorted(path.stem for path in (conf_dir() / "backbone").glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_backbones_are_built_as_configured(compose: Compose, name: str) -> None:
    config = compose(f"backbone={name}", *(["backbone.model=resnet10t"] if name == "timm" else []))
    with torch.device("meta"), torch.no_grad():  # shapes only
        network = build_network(config, 3).eval()
        out = network(torch.zeros(2, 3, 50, 50, dtype=torch.uint8))
    assert out.shape == (2, 3)


def test_size_and_stem_reach_the_backbone(compose: Compose) -> None:
    sizes = {}
    for stem in ("standard", "small"):
        config = compose("backbone=resnet18", f"backbone.stem={stem}", "data.image_size=64")
        network = build_network(config, 2)
        assert network.image_size == 64
        sizes[stem] = network.backbone.stages(torch.zeros(1, 3, 64, 64)).shape[-1]
    assert sizes == {"standard": 2, "small": 8}


def test_one_output_is_for_two_classes(compose: Compose) -> None:
    config = compose("backbone=simple_cnn", "head.outputs=1")
    network = build_network(config, 2)
    assert [tuple(w.shape) for w in network.head.parameters()] == [(1, 18432), (1,)]
    assert network(torch.zeros(3, 3, 50, 50)).shape == (3, 2)
    with pytest.raises(ConfigError, match=r"head\.outputs=1.* 3"):
        build_network(config, 3)


def test_dropout_at_the_test_needs_dropout_before_data_are_read(compose: Compose) -> None:
    options = ("backbone=simple_cnn", "inference=mc_dropout")
    check_backbone(compose(*options, "head.dropout=0.1"))
    with pytest.raises(ConfigError, match="drops nothing"):
        check_backbone(compose(*options))
