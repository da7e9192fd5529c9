"""What holds for every attribution method: the model stays as it was, each patch is on its own."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from idc.attribution.methods import (
    DeepLift,
    FeatureAblation,
    GradCam,
    GradientShap,
    GuidedBackprop,
    GuidedGradCam,
    IntegratedGradients,
    Method,
    Occlusion,
    Saliency,
    ScoreCam,
    SmoothGrad,
)
from idc.attribution.run import explain
from idc.models import backbones
from idc.models.heads import linear
from idc.models.network import Network

METHODS: dict[str, Method] = {
    "saliency": Saliency(),
    "smoothgrad": SmoothGrad(samples=3, rows_at_once=2),
    "guided_backprop": GuidedBackprop(),
    "gradcam": GradCam(min_map=4),
    "guided_gradcam": GuidedGradCam(min_map=4),
    "score_cam": ScoreCam(min_map=4, rows_at_once=3),
    "integrated_gradients": IntegratedGradients(steps=4, rows_at_once=4),
    "deeplift": DeepLift(),
    "gradient_shap": GradientShap(samples=3, rows_at_once=2, noise=0.1),
    "occlusion": Occlusion(window=8, stride=8, rows_at_once=4),
    "feature_ablation": FeatureAblation(superpixels=6, rows_at_once=4),
}
SIGNED = {"integrated_gradients", "deeplift", "gradient_shap", "occlusion", "feature_ablation"}
TARGETS = np.array([0, 1, 1, 0, 1])


class Plain(nn.Module):
    """Convolution, an in-place ReLU that is used twice, pooling, dropout, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(12)
        self.relu = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.5)
        self.out = nn.Linear(12, 2)
        self.passes_left = -1

    def forward(self, x: Tensor) -> Tensor:
        self.passes_left -= 1
        if self.passes_left == 0:
            raise ZeroDivisionError("midway")
        maps = self.relu(self.norm(self.conv(x)))
        return self.out(self.drop(self.relu(maps.mean((2, 3)) - 0.1)))


@pytest.fixture
def plain() -> Plain:
    torch.manual_seed(0)
    return Plain().train()


@pytest.fixture
def patches() -> np.ndarray:
    found = np.random.default_rng(0).integers(0, 256, (5, 24, 20, 3), dtype=np.uint8)
    found[1, :12] = 255  # glass
    return found


def snapshot(model: nn.Module) -> dict[str, Any]:
    """All of a model, and of the random state, that an explanation could disturb."""
    modules = list(model.modules())
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return {
        "state": {name: _bytes(value) for name, value in model.state_dict().items()},
        "wanted": [p.requires_grad for p in model.parameters()],
        "grad": [None if p.grad is None else _bytes(p.grad) for p in model.parameters()],
        "training": [m.training for m in modules],
        "inplace": [getattr(m, "inplace", None) for m in modules],
        "attributes": [sorted(vars(m)) for m in modules],
        "hooks": [list(getattr(m, name)) for m in modules for name in hooks],
        "torch": _bytes(torch.get_rng_state()),
        "numpy": [np.asarray(part).tolist() for part in np.random.get_state()],  # noqa: NPY002
        "python": random.getstate(),
        "grad enabled": torch.is_grad_enabled(),
    }


def _bytes(values: Tensor) -> bytes:
    return values.detach().numpy().tobytes()


def prepared(model: nn.Module) -> nn.Module:
    """With a frozen weight, a gradient, a hook, and a part in eval mode."""
    weights = list(model.parameters())
    weights[0].requires_grad_(False)
    weights[1].grad = torch.ones_like(weights[1])
    model.register_forward_hook(lambda *_: None)
    list(model.modules())[-1].eval()
    return model


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("inference", [False, True])
def test_the_model_stays_as_it_was(
    plain: Plain, patches: np.ndarray, name: str, inference: bool
) -> None:
    before = snapshot(prepared(plain))
    with torch.inference_mode(inference):
        explain(plain, patches, TARGETS, {name: METHODS[name]}, 2)
    assert snapshot(plain) == before


@pytest.mark.parametrize("name", METHODS)
def test_the_model_stays_as_it_was_when_a_method_fails(
    plain: Plain, patches: np.ndarray, name: str
) -> None:
    # With and without the pass that chooses a layer or counts the uses of an activation.
    for passes in (1, 2):
        plain.passes_left = passes
        before = snapshot(prepared(plain))
        with pytest.raises(ZeroDivisionError):
            explain(plain, patches, TARGETS, {name: METHODS[name]}, 2)
        assert snapshot(plain) == before


def test_a_real_network_stays_as_it_was_under_all_methods() -> None:
    torch.manual_seed(0)
    backbone = backbones.mobilenet("mobilenet_v3_small", 50)
    model = prepared(Network(backbone, linear(backbone.num_features, 2), 50).train())
    before = snapshot(model)
    patches = np.random.default_rng(0).integers(0, 256, (2, 50, 50, 3), dtype=np.uint8)
    quick = {"occlusion": Occlusion(25, 25), "feature_ablation": FeatureAblation(4)}
    with torch.inference_mode():
        found = explain(model, patches, np.array([0, 1]), {**METHODS, **quick})
    assert list(found) == list(METHODS)
    assert snapshot(model) == before
    assert all(np.isfinite(each.maps).all() for each in found.values())


@pytest.mark.parametrize("name", METHODS)
def test_a_map_depends_on_its_own_patch_only(plain: Plain, patches: np.ndarray, name: str) -> None:
    found = explain(plain, patches, TARGETS, {name: METHODS[name]}, 8)[name]
    again = explain(plain, patches, TARGETS, {name: METHODS[name]}, 2)[name]
    order = np.array([4, 2, 1])
    torch.manual_seed(99)
    some = explain(plain, patches[order], TARGETS[order], {name: METHODS[name]}, 8)[name]
    assert found.maps.shape == (5, 24, 20)
    assert found.maps.dtype == np.float32
    assert np.abs(found.maps).max() > 0
    scale = np.abs(found.maps).max()
    assert np.allclose(again.maps, found.maps, atol=1e-5 * scale)
    assert np.allclose(some.maps, found.maps[order], atol=1e-5 * scale)
    assert (found.maps.min() < 0) == (name in SIGNED)
    if found.error is not None and some.error is not None:
        assert np.allclose(some.error, found.error[order], atol=1e-5)


class Seeing(nn.Module):
    """Notes how many inputs there are in a pass."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        most.append(len(x))
        return self.inner(x)


most: list[int] = []


@pytest.mark.parametrize("name", [n for n, m in METHODS.items() if hasattr(m, "rows_at_once")])
def test_no_pass_has_more_inputs_than_asked_for(
    plain: Plain, patches: np.ndarray, name: str
) -> None:
    most.clear()
    explain(Seeing(plain), patches, TARGETS, {name: METHODS[name]}, 8)
    assert 1 <= max(most) <= METHODS[name].rows_at_once


@pytest.mark.parametrize(
    ("make", "note"),
    [
        (lambda: backbones.mobilenet("mobilenet_v3_small", 50), "guides 14 of 41 activations, not"),
        (lambda: backbones.mobilenet("mobilenet_v2", 50), "ReLU6; this is the plain gradient"),
        (lambda: backbones.resnet("resnet18", 50), ""),
    ],
)
def test_guided_methods_say_what_they_do_not_guide(make: Callable[[], Any], note: str) -> None:
    backbone = make()
    model = Network(backbone, linear(backbone.num_features, 2), 50)
    patches = np.zeros((1, 50, 50, 3), np.uint8)
    guided = {"a": GuidedBackprop(), "b": GuidedGradCam()}
    for found in explain(model, patches, np.array([1]), guided).values():
        assert note in found.note
        assert bool(note) == bool(found.note)
