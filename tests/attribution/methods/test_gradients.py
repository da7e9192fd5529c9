"""Gradient methods against gradients by hand, and the laws of completeness."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from idc.attribution.methods import (
    DeepLift,
    GradientShap,
    GuidedBackprop,
    IntegratedGradients,
    Saliency,
    SmoothGrad,
)
from idc.attribution.run import explain
from idc.models import backbones
from idc.models.backbone import set_batch_norm_momentum
from idc.models.heads import linear
from idc.models.network import Network

TARGETS = np.array([0, 1, 1])


def small(activation: nn.Module | None = None) -> nn.Sequential:
    torch.manual_seed(0)
    act = activation or nn.ReLU()
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, padding=1),
        act,
        nn.Conv2d(6, 6, 3, padding=1),
        nn.MaxPool2d(3, 2, 1),
        act,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 2),
    )


@pytest.fixture
def patches() -> np.ndarray:
    found = np.random.default_rng(0).integers(0, 256, (3, 24, 24, 3), dtype=np.uint8)
    found[0, 4:] = 255  # as the baseline: nothing changes there
    return found


def as_images(patches: np.ndarray) -> Tensor:
    return torch.from_numpy(patches).permute(0, 3, 1, 2).float() / 255


def logits(model: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return model.eval()(images)[torch.arange(len(images)), torch.tensor(TARGETS)]


def test_saliency_is_the_largest_gradient(patches: np.ndarray) -> None:
    model = small()
    found = explain(model, patches, TARGETS, {"s": Saliency()})["s"]
    images = as_images(patches).requires_grad_()
    model(images).gather(1, torch.tensor(TARGETS)[:, None]).sum().backward()
    assert images.grad is not None
    assert np.allclose(found.maps, images.grad.abs().amax(1).numpy(), atol=1e-7)


def test_smoothgrad_without_noise_is_saliency(patches: np.ndarray) -> None:
    methods = {"s": Saliency(), "g": SmoothGrad(samples=3, noise=0.0), "n": SmoothGrad(samples=3)}
    found = explain(small(), patches, TARGETS, methods)
    assert np.allclose(found["g"].maps, found["s"].maps, atol=1e-7)
    assert not np.allclose(found["n"].maps, found["s"].maps, atol=1e-4)


@pytest.mark.parametrize("kind", [SmoothGrad, GradientShap])
def test_draws_follow_the_seed(kind: Any, patches: np.ndarray) -> None:
    one, same, other = (
        explain(small(), patches, TARGETS, {"m": kind(samples=3, seed=seed)})["m"].maps
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.allclose(one, other)


@pytest.mark.parametrize("baseline", ["white", "black", "mean"])
def test_integrated_gradients_sum_to_the_rise_of_the_logit(
    patches: np.ndarray, baseline: Any
) -> None:
    model, images = small(), as_images(patches)
    method = IntegratedGradients(baseline=baseline, steps=200)
    found = explain(model, patches, TARGETS, {"ig": method})["ig"]
    start = {
        "white": torch.ones_like(images),
        "black": torch.zeros_like(images),
        "mean": images.mean((2, 3), keepdim=True).expand_as(images),
    }[baseline]
    rise = (logits(model, images) - logits(model, start)).numpy()
    assert np.allclose(found.maps.sum((1, 2)), rise, atol=5e-3)
    assert found.error is not None
    assert np.allclose(found.error, found.maps.sum((1, 2)) - rise, atol=1e-5)
    assert np.abs(found.error).max() < 5e-3


ACTIVATIONS = [nn.ReLU(), nn.ReLU6(), nn.SiLU(), nn.GELU(), nn.Hardswish(), nn.Hardsigmoid()]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: type(a).__name__)
def test_deeplift_sums_to_the_rise_of_the_logit(activation: nn.Module, patches: np.ndarray) -> None:
    model, images = small(activation), as_images(patches)
    found = explain(model, patches, TARGETS, {"d": DeepLift()})["d"]
    rise = (logits(model, images) - logits(model, torch.ones_like(images))).numpy()
    assert np.allclose(found.maps.sum((1, 2)), rise, rtol=1e-4, atol=1e-6)
    assert found.error is not None
    assert np.abs(found.error).max() < 1e-5
    assert found.note == ""


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_deeplift_is_complete_in_real_networks(name: str) -> None:
    torch.manual_seed(0)
    make: Any = backbones.resnet if name == "resnet18" else backbones.mobilenet
    backbone = make(name, 50)
    model = Network(backbone, linear(backbone.num_features, 2), 50)
    set_batch_norm_momentum(model, 0.5)
    patches = np.random.default_rng(0).integers(0, 256, (2, 50, 50, 3), dtype=np.uint8)
    model.train()
    with torch.no_grad():
        for _ in range(6):  # BatchNorm's statistics: else hardly anything comes through
            model(as_images(patches).repeat(4, 1, 1, 1) * torch.rand(8, 1, 1, 1))
    found = explain(model, patches, np.array([1, 1]), {"d": DeepLift()})["d"]
    assert found.error is not None
    rise = np.abs(found.maps.sum((1, 2)) - found.error)
    assert (np.abs(found.error) / rise).max() < 1e-3


def test_deeplift_names_what_it_has_no_rule_for(patches: np.ndarray) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), *small()[5:6], nn.Flatten())
    found = explain(model, patches, TARGETS, {"d": DeepLift()})["d"]
    assert found.note == "no rule for GroupNorm: the sum may be far off"


class Functional(nn.Module):
    """Activations that are functions or methods, one of them in place, and a product."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.out = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        maps = nn.functional.relu(self.conv(x), inplace=True)
        maps = maps * (maps - 0.1).sigmoid()
        return self.out(torch.tanh(nn.functional.max_pool2d(maps, 3, 2)).mean((2, 3)))


def test_deeplift_has_rules_for_functions_as_for_modules(patches: np.ndarray) -> None:
    torch.manual_seed(0)
    found = explain(Functional(), patches, TARGETS, {"d": DeepLift()})["d"]
    assert found.error is not None
    assert np.abs(found.maps.sum((1, 2))[1:]).min() > 1e-3
    assert np.abs(found.error).max() < 1e-5


def test_deeplift_of_a_linear_network_is_weight_times_difference() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 2))
    patches = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3), dtype=np.uint8)
    found = explain(model, patches, TARGETS, {"d": DeepLift("black"), "g": GradientShap(["black"])})
    weights = model[1].weight.detach()[TARGETS].view(3, 3, 4, 4)
    expected = (weights * as_images(patches)).sum(1).numpy()
    assert np.allclose(found["d"].maps, expected, atol=1e-6)
    assert np.allclose(found["g"].maps, expected, atol=1e-6)


def test_gradient_shap_nears_the_mean_rise(patches: np.ndarray) -> None:
    model, images = small(nn.SiLU()), as_images(patches)
    few, many = (
        explain(model, patches, TARGETS, {"g": GradientShap(["white"], samples=n)})["g"]
        for n in (2, 400)
    )
    rise = (logits(model, images) - logits(model, torch.ones_like(images))).numpy()
    assert many.error is not None
    assert few.error is not None
    assert np.allclose(many.maps.sum((1, 2)) - many.error, rise, atol=1e-5)
    assert np.abs(many.error).max() < 0.05 * np.abs(rise).max()
    assert np.abs(many.error).mean() < np.abs(few.error).mean()


def test_guided_backprop_hands_on_positive_gradients_only(patches: np.ndarray) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ).append(nn.Linear(4, 2))
    found = explain(model, patches, TARGETS, {"g": GuidedBackprop()})["g"]
    images = as_images(patches).requires_grad_()
    before = model[0](images)
    gradient = model[-1].weight[TARGETS].clamp(min=0)[:, :, None, None] / before[0, 0].numel()
    (expected,) = torch.autograd.grad(before, images, gradient * (before > 0))
    assert np.allclose(found.maps, expected.abs().amax(1).numpy(), atol=1e-7)
    # All that is in the way of a class with negative weights only: nothing is handed on.
    with torch.no_grad():
        model[-1].weight.fill_(-1)
    assert not explain(model, patches, TARGETS, {"g": GuidedBackprop()})["g"].maps.any()
