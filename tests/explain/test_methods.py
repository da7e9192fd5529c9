"""Attributions against hand-made references, and that the model stays as it was."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from idc.errors import ConfigError
from idc.explain.methods import GradCam, IntegratedGradients, Method, Occlusion, Saliency
from idc.explain.run import explain
from idc.models import backbones
from idc.models.heads import linear
from idc.models.network import IMAGENET_MEAN, IMAGENET_STD, Network

METHODS: dict[str, Method] = {
    "gradcam": GradCam(min_map=4),
    "integrated_gradients": IntegratedGradients(steps=16),
    "saliency": Saliency(),
    "occlusion": Occlusion(window=8, stride=8),
}


class Plain(nn.Module):
    """Convolution, in-place ReLU, pooling, a linear layer: Grad-CAM can be written by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(5)
        self.relu = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.5)
        self.out = nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.relu(self.norm(self.conv(x)))
        return self.out(self.drop(maps.mean((2, 3))))


@pytest.fixture
def plain() -> Plain:
    torch.manual_seed(0)
    return Plain().train()


@pytest.fixture
def patches() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 24, 24, 3), dtype=np.uint8)


TARGETS = np.array([0, 1, 1, 0, 1])


def as_images(patches: np.ndarray) -> Tensor:
    return torch.from_numpy(patches).permute(0, 3, 1, 2).float() / 255


def test_gradcam_is_what_its_paper_says(plain: Plain, patches: np.ndarray) -> None:
    found = explain(plain, patches, TARGETS, {"cam": GradCam(layer="relu")})["cam"]
    plain.eval()
    maps = plain.norm(plain.conv(as_images(patches))).relu().detach().requires_grad_()
    logits = plain.out(maps.mean((2, 3)))
    (gradient,) = torch.autograd.grad(logits.gather(1, torch.tensor(TARGETS)[:, None]).sum(), maps)
    weights = gradient.mean((2, 3), keepdim=True)
    expected = (weights * maps).sum(1, keepdim=True).relu()
    expected = nn.functional.interpolate(expected, (24, 24), mode="bilinear")
    assert np.allclose(found.maps, expected[:, 0].detach().numpy(), atol=1e-6)
    assert "12x12" in found.source


@pytest.mark.parametrize("baseline", ["white", "black", "mean"])
def test_integrated_gradients_sum_to_the_rise_of_the_logit(
    plain: Plain, patches: np.ndarray, baseline: str
) -> None:
    method = IntegratedGradients(baseline=baseline, steps=200)
    found = explain(plain, patches, TARGETS, {"ig": method})["ig"]
    plain.eval()
    images = as_images(patches)
    start = {
        "white": torch.ones_like(images),
        "black": torch.zeros_like(images),
        "mean": images.mean((2, 3), keepdim=True).expand_as(images),
    }[baseline]
    with torch.no_grad():
        rise = (plain(images) - plain(start)).gather(1, torch.tensor(TARGETS)[:, None])[:, 0]
    assert np.allclose(found.maps.sum((1, 2)), rise.numpy(), atol=5e-3)
    assert found.error is not None
    assert np.abs(found.error).max() < 5e-3


def test_saliency_is_the_largest_gradient(plain: Plain, patches: np.ndarray) -> None:
    found = explain(plain, patches, TARGETS, {"s": Saliency()})["s"]
    plain.eval()
    images = as_images(patches).requires_grad_()
    plain(images).gather(1, torch.tensor(TARGETS)[:, None]).sum().backward()
    assert images.grad is not None
    assert np.allclose(found.maps, images.grad.abs().amax(1).numpy(), atol=1e-7)


class Corner(nn.Module):
    """Class 1 is darkness in the top left corner of 8x8 pixels."""

    def forward(self, x: Tensor) -> Tensor:
        dark = (1 - x[:, :, :8, :8]).mean((1, 2, 3))
        return torch.stack([torch.zeros_like(dark), dark], 1)


def test_occlusion_finds_the_square_that_decides() -> None:
    patches = np.full((1, 24, 24, 3), 250, np.uint8)
    patches[:, :8, :8] = 10
    method = Occlusion(window=8, stride=8)
    (found,) = explain(Corner(), patches, np.array([1]), {"o": method})["o"].maps
    assert np.allclose(found[:8, :8], 1 - 10 / 255, atol=1e-5)
    assert np.allclose(found[8:], 0)
    assert np.allclose(found[:, 8:], 0)


def test_occlusion_refuses_a_window_larger_than_the_patch() -> None:
    patches = np.zeros((1, 24, 24, 3), np.uint8)
    with pytest.raises(ConfigError, match="window of 30"):
        explain(Corner(), patches, np.array([1]), {"o": Occlusion(window=30)})


@pytest.mark.parametrize("name", METHODS)
def test_results_do_not_depend_on_the_batch_size(
    plain: Plain, patches: np.ndarray, name: str
) -> None:
    one, all_at_once = (
        explain(plain, patches, TARGETS, {name: METHODS[name]}, size)[name].maps for size in (1, 8)
    )
    assert one.shape == (5, 24, 24)
    assert np.allclose(one, all_at_once, atol=1e-5)
    assert np.abs(one).max() > 0


def network(make: Callable[[], nn.Module]) -> Network:
    torch.manual_seed(0)
    backbone = make()
    head = linear(backbone.num_features, 2)
    return Network(backbone, head, 50, IMAGENET_MEAN, IMAGENET_STD)


@pytest.mark.parametrize("inference", [False, True])
def test_the_model_stays_as_it_was(inference: bool) -> None:
    model = network(lambda: backbones.mobilenet("mobilenet_v3_small", 50)).train()
    next(model.parameters()).requires_grad_(False)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    modes = [m.training for m in model.modules()]
    inplace = [getattr(m, "inplace", None) for m in model.modules()]
    wanted = [p.requires_grad for p in model.parameters()]
    patches = np.random.default_rng(0).integers(0, 256, (2, 50, 50, 3), dtype=np.uint8)
    with torch.inference_mode(inference):
        found = explain(model, patches, np.array([0, 1]), METHODS)
    assert set(found) == set(METHODS)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert [m.training for m in model.modules()] == modes
    assert [getattr(m, "inplace", None) for m in model.modules()] == inplace
    assert [p.requires_grad for p in model.parameters()] == wanted
    assert all(p.grad is None for p in model.parameters())
    assert not any(m._forward_hooks or m._backward_hooks for m in model.modules())
