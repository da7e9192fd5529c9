"""Methods that look at a layer: against the papers' formulas and Captum's own."""

from typing import Any

import captum.attr
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from idc.attribution.methods import GradCam, GuidedGradCam, ScoreCam
from idc.attribution.methods.base import quiet
from idc.attribution.prepare import explainable_copy
from idc.attribution.run import explain
from idc.errors import ConfigError
from idc.models import backbones
from idc.models.heads import linear
from idc.models.network import Network

TARGETS = np.array([0, 1, 1, 0, 1])


@pytest.fixture
def patches() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 24, 24, 3), dtype=np.uint8)


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 5, 3, stride=2, padding=1),
        nn.BatchNorm2d(5),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(5, 2),
    ).eval()


def as_images(patches: np.ndarray) -> Tensor:
    return torch.from_numpy(patches).permute(0, 3, 1, 2).float() / 255


def enlarged(maps: Tensor) -> np.ndarray:
    return nn.functional.interpolate(maps, (24, 24), mode="bilinear")[:, 0].detach().numpy()


def test_gradcam_is_what_its_paper_says(model: nn.Module, patches: np.ndarray) -> None:
    found = explain(model, patches, TARGETS, {"cam": GradCam(layer="2")})["cam"]
    maps = model[:3](as_images(patches)).detach().requires_grad_()
    logits = model[3:](maps)
    (gradient,) = torch.autograd.grad(logits.gather(1, torch.tensor(TARGETS)[:, None]).sum(), maps)
    weights = gradient.mean((2, 3), keepdim=True)
    expected = enlarged((weights * maps).sum(1, keepdim=True).relu())
    assert np.allclose(found.maps, expected, atol=1e-6)
    assert found.source == "2, map 12x12"
    assert found.note == ""


def real_network() -> Network:
    torch.manual_seed(0)
    backbone = backbones.resnet("resnet18", 48)
    return Network(backbone, linear(backbone.num_features, 2), 48)


def test_cams_are_captums(patches: np.ndarray) -> None:
    network, images = real_network(), as_images(patches)
    patches = np.repeat(np.repeat(patches, 2, 1), 2, 2)
    images = as_images(patches)
    targets = torch.tensor(TARGETS)
    methods = {"cam": GradCam(), "guided": GuidedGradCam()}
    found = explain(network, patches, TARGETS, methods, batch_size=5)
    copy = explainable_copy(network, "cpu")
    layer = copy.backbone.stages.layer2
    assert found["cam"].source == "layer2, map 6x6"
    images.requires_grad_()
    cam = captum.attr.LayerGradCam(copy, layer).attribute(images, targets, relu_attributions=True)
    cam = captum.attr.LayerAttribution.interpolate(cam, (48, 48), "bilinear")[:, 0]
    cam = cam.detach()
    scale = float(cam.max())
    assert np.allclose(found["cam"].maps / scale, (cam / scale).numpy(), atol=1e-5)
    with quiet():
        guided = captum.attr.GuidedGradCam(copy, layer).attribute(
            images, targets, interpolate_mode="bilinear"
        )
    expected = guided.abs().amax(1).detach().numpy()
    assert np.allclose(found["guided"].maps, expected, atol=1e-5 * expected.max())


def test_gradcam_keeps_nothing_below_its_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = explainable_copy(real_network(), "cpu")
    kept = {}
    for name in ("layer1", "layer3"):
        getattr(copy.backbone.stages, name).register_forward_hook(
            lambda _module, _inputs, output, name=name: kept.update({name: output.requires_grad})
        )
    images = torch.rand(2, 3, 48, 48, requires_grad=True)
    GradCam(layer="layer2")(copy, images, torch.tensor([0, 1]))
    assert kept == {"layer1": False, "layer3": True}
    assert images.grad is None


@pytest.mark.parametrize("kind", [GradCam, GuidedGradCam, ScoreCam])
def test_the_layer_is_chosen_once(
    kind: Any, patches: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from idc.attribution.methods import cams

    chosen = []
    choose = cams.choose_layer
    monkeypatch.setattr(cams, "choose_layer", lambda *a: chosen.append(1) or choose(*a))
    explain(real_network(), patches[:2], TARGETS[:2], {"m": kind()}, batch_size=1)
    assert len(chosen) == 1


@pytest.mark.parametrize("kind", [GradCam, GuidedGradCam, ScoreCam])
def test_a_small_map_is_said_and_a_wrong_name_refused(
    kind: Any, model: nn.Module, patches: np.ndarray
) -> None:
    found = explain(model, patches[:1], TARGETS[:1], {"m": kind(layer="2", min_map=20)})["m"]
    assert "smaller than 20x20" in found.note
    with pytest.raises(ConfigError, match="'conv9' is not in this network"):
        explain(model, patches[:1], TARGETS[:1], {"m": kind(layer="conv9")})
    with pytest.raises(ConfigError, match="no layer conv9"):
        kind(layer="conv9")(model, as_images(patches[:1]), torch.tensor([1]))


class Channels(nn.Module):
    """Channel 0 is darkness on the left, 1 on the right; the logit of class 1 is the right one."""

    def __init__(self) -> None:
        super().__init__()
        self.halves = nn.Identity()
        self.layer = nn.Sequential(nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        dark = nn.functional.avg_pool2d(1 - x, 3).mean(1)
        left, right = dark.clone(), dark.clone()
        left[:, :, 4:], right[:, :, :4] = 0, 0
        maps = self.layer(torch.stack([left, right], 1))
        return 50 * maps.mean((2, 3))


@pytest.mark.parametrize("target", [0, 1])
def test_score_cam_picks_the_channel_that_decides(target: int) -> None:
    patches = np.full((2, 24, 24, 3), 255, np.uint8)
    patches[:, 6:18] = 20  # a dark bar from left to right
    method = ScoreCam(layer="layer", rows_at_once=1)
    found = explain(Channels(), patches, np.array([target, target]), {"s": method})["s"].maps
    right = found[:, 9:15, 14:].mean((1, 2))
    left = found[:, 9:15, :10].mean((1, 2))
    strong, weak = (right, left) if target == 1 else (left, right)
    assert (strong > 20 * weak).all()
    assert (strong > 0.5).all()


def test_score_cam_is_what_its_paper_says(model: nn.Module, patches: np.ndarray) -> None:
    found = explain(model, patches, TARGETS, {"s": ScoreCam("2", baseline="black")})["s"].maps
    with torch.no_grad():
        for row, (image, target) in enumerate(zip(as_images(patches), TARGETS, strict=True)):
            maps = model[:3](image[None])[0]
            low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
            masks = nn.functional.interpolate(
                ((maps - low) / (high - low + 1e-8))[:, None], (24, 24), mode="bilinear"
            )
            weights = model(masks * image)[:, target].softmax(0)
            expected = enlarged((weights[:, None, None] * maps).sum(0).relu()[None, None])
            assert np.allclose(found[row], expected[0], atol=1e-5)
