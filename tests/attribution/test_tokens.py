"""Networks of tokens: the layer with a map, every method, features, weights check."""

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from idc.attribution.faithfulness.weights_check import shuffled_stages, weight_blocks
from idc.attribution.features.maps import feature_layers, feature_maps
from idc.attribution.layers import choose_layer
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
from idc.attribution.prepare import MapLayout, explainable_copy
from idc.attribution.run import explain
from idc.models import backbones
from idc.models.heads import linear
from idc.models.network import Network

timm = pytest.importorskip("timm")

PATCH = 50
# Model: image size, chosen layer, side of its map.
LAYERS = {
    "vit_tiny_patch16_224": (96, "blocks.11.norm1", 6),  # later, the class token is all that counts
    "deit_tiny_distilled_patch16_224": (96, "blocks.11.norm1", 6),
    "vit_relpos_small_patch16_224": (48, "blocks.11", 3),  # no class token: the mean of all tokens
    "swin_tiny_patch4_window7_224": (64, "layers.1", 8),  # (N, h, w, C)
    "mixer_s32_224": (64, "norm", 2),
    "cait_xxs24_224": (48, "blocks_token_only.1.norm1", 3),  # class token in the last blocks only
    "convnext_atto": (50, "stages.2.downsample.0", 6),
    "resnet10t": (50, "layer2", 7),
}
METHODS: dict[str, Method] = {
    "saliency": Saliency(),
    "smoothgrad": SmoothGrad(samples=2),
    "guided_backprop": GuidedBackprop(),
    "gradcam": GradCam(min_map=3),
    "guided_gradcam": GuidedGradCam(min_map=3),
    "score_cam": ScoreCam(min_map=3),
    "integrated_gradients": IntegratedGradients(steps=8),
    "deeplift": DeepLift(),
    "gradient_shap": GradientShap(samples=2),
    "occlusion": Occlusion(window=25, stride=25),
    "feature_ablation": FeatureAblation(superpixels=4),
}


@cache
def network(name: str, size: int | None = None) -> Network:
    """For tests that only look."""
    torch.manual_seed(0)
    size = size or LAYERS[name][0]
    backbone = backbones.timm(name, size)
    return Network(backbone, linear(backbone.num_features, 2), size).eval()


@pytest.fixture
def patches() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, PATCH, PATCH, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", LAYERS)
def test_the_layer_is_the_last_on_whose_map_the_logits_depend(name: str) -> None:
    _, layer, side = LAYERS[name]
    for model in (network(name), explainable_copy(network(name), "cpu")):
        chosen = choose_layer(model, torch.rand(1, 3, PATCH, PATCH))
        assert (chosen.short, chosen.height, chosen.width) == (layer, side, side)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_explains_a_vision_transformer(method: str, patches: np.ndarray) -> None:
    model = network("vit_tiny_patch16_224", 48)
    one = explain(model, patches, np.array([0, 1]), {method: METHODS[method]}, 2)[method]
    assert one.maps.shape == (2, PATCH, PATCH)
    assert np.isfinite(one.maps).all()
    assert np.abs(one.maps).max() > 0
    # What fits no transformer is marked on each map.
    assert bool(one.note) == (method in {"guided_backprop", "guided_gradcam", "deeplift"})
    alone = explain(model, patches[1:], np.array([1]), {method: METHODS[method]}, 1)[method]
    assert np.allclose(alone.maps[0], one.maps[1], atol=1e-4 * np.abs(one.maps).max())


def test_a_gradcam_of_tokens_is_the_papers_formula(patches: np.ndarray) -> None:
    model = explainable_copy(network("vit_tiny_patch16_224"), "cpu")
    found = explain(model, patches[:1], np.array([1]), {"cam": GradCam()})["cam"]
    assert found.source == "blocks.11.norm1, map 6x6"
    kept: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        kept.append(output.detach().requires_grad_())
        return kept[-1]

    model.backbone.stages.blocks[11].norm1.register_forward_hook(keep)
    images = torch.from_numpy(patches[:1]).permute(0, 3, 1, 2) / 255
    (slope,) = torch.autograd.grad(model(images)[0, 1], kept[0])
    tokens, slopes = kept[0][0, 1:].detach(), slope[0, 1:]  # without the class token
    coarse = (tokens * slopes.mean(0)).sum(1).relu().reshape(1, 1, 6, 6)
    expected = nn.functional.interpolate(coarse, (PATCH, PATCH), mode="bilinear")[0, 0].numpy()
    assert np.allclose(found.maps[0], expected, atol=1e-5 * expected.max())


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "swin_tiny_patch4_window7_224"])
def test_a_layout_takes_a_map_out_and_puts_it_back(name: str) -> None:
    layout = MapLayout.of(network(name))
    output = torch.rand(2, 10, 8) if layout.prefix_tokens else torch.rand(2, 3, 3, 8)
    maps = layout.as_map(output)
    assert maps is not None
    assert maps.shape == (2, 8, 3, 3)
    place = output[:, 1:].reshape(2, 3, 3, 8) if layout.prefix_tokens else output
    assert torch.equal(maps[:, :, 1, 2], place[:, 1, 2])
    assert torch.equal(layout.as_output(maps, output), output)
    assert layout.as_map(torch.rand(2, 8)) is None


def test_features_are_shown_on_the_grid(patches: np.ndarray) -> None:
    model = network("vit_tiny_patch16_224")
    layers = feature_layers(model, torch.rand(1, 3, PATCH, PATCH))
    assert [layer.short for layer in layers][:2] == ["patch_embed.proj", "blocks.0"]
    assert layers[-1].short == "blocks.11"
    (found,) = feature_maps(model, patches, layers[-1:], per_layer=3)
    assert found.maps.shape == (2, 3, 6, 6)


def test_tokens_that_belong_to_no_layer_are_shuffled_too() -> None:
    model = explainable_copy(network("vit_tiny_patch16_224"), "cpu")
    blocks = weight_blocks(model)
    assert len(blocks) >= 4
    grouped = [id(p) for b in blocks for m in b.modules for p in m.parameters()]
    grouped += [id(p) for b in blocks for p in b.parameters]
    assert sorted(grouped) == sorted(id(p) for p in model.parameters())
    before = model.backbone.stages.cls_token.clone()
    list(shuffled_stages(model, blocks, torch.rand(2, 3, PATCH, PATCH), (0,)))
    assert not torch.equal(model.backbone.stages.cls_token, before)
