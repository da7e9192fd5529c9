"""Insertion, deletion, infidelity and max-sensitivity."""

import captum.metrics
import numpy as np
import pytest
import torch
from some_plan import some_plan

from idc.attribution.faithfulness.pixel_changes import (
    filled,
    infidelity,
    max_sensitivity,
    noise_effects,
    pixel_ranks,
)
from idc.attribution.faithfulness.probe import Probe
from idc.attribution.methods import Saliency
from idc.attribution.prepare import gradients
from idc.models import backbones
from idc.models.heads import linear
from idc.models.network import Network


def test_pixels_of_the_same_value_follow_their_surroundings() -> None:
    maps = np.zeros((2, 9, 9))
    maps[0, 8, 8] = 1
    maps[1] = np.arange(81).reshape(9, 9)
    ranks = pixel_ranks(maps)
    assert ranks[0, 80] == 0
    assert set(ranks[0, [79, 71]]) == {1, 2}  # beside it
    assert ranks[0, 0] == 80
    assert ranks[1].tolist() == list(range(81))[::-1]


@pytest.mark.parametrize("kind", ["blur", "white", "grey", "black", "mean"])
def test_what_pixels_are_replaced_with(kind: str) -> None:
    images = np.random.default_rng(0).random((2, 3, 20, 20), np.float32)
    found = filled(images, kind)  # type: ignore[arg-type]
    assert found.shape == images.shape
    assert found.dtype == np.float32
    want = {"white": 1.0, "grey": 0.5, "black": 0.0}.get(kind)
    if want is not None:
        assert (found == want).all()
    else:
        assert np.allclose(found.mean((2, 3)), images.mean((2, 3)), atol=0.05)
        assert found.std((2, 3)).max() < 0.3 * images.std((2, 3)).min()


def test_local_measures_are_captums() -> None:
    torch.manual_seed(0)
    backbone = backbones.vanilla_cnn(16, width=4)
    model = Network(backbone, linear(backbone.num_features, 2), 16).eval().requires_grad_(False)
    plan = some_plan(perturbations=3, sensitivity_patches=2)
    targets = torch.tensor([0, 1, 1])
    probe = Probe(model, torch.rand(3, 3, 16, 16), targets, plan, 2)
    maps, _ = probe.maps(Saliency())
    noise, change = noise_effects(probe)
    drawn = torch.from_numpy(noise.reshape(-1, 1, 16, 16))
    spread = torch.from_numpy(maps)[:, None].expand(-1, 3, -1, -1) / 3
    expected = captum.metrics.infidelity(
        model, lambda x: (drawn.expand_as(x), x - drawn), probe.images, spread,
        target=targets, n_perturb_samples=3, normalize=True,
    )  # fmt: skip
    assert infidelity(maps, noise, change) == pytest.approx(expected.numpy(), rel=1e-3)
    assert infidelity(np.stack([maps, 7 * maps]), noise, change)[1] == pytest.approx(
        infidelity(maps, noise, change)
    )
    assert infidelity(0 * maps, noise, change) == pytest.approx((change**2).mean(1))
    shifts = [np.random.default_rng((0, 2, i)).uniform(-1, 1, (3, 3, 16, 16)) for i in range(2)]

    def maps_of(rows: torch.Tensor | tuple[torch.Tensor], target: torch.Tensor) -> object:
        images = rows if isinstance(rows, torch.Tensor) else rows[0]
        with gradients():  # Captum calls without
            return (torch.from_numpy(probe.maps(Saliency(), images, target)[0]),)

    largest = captum.metrics.sensitivity_max(
        maps_of,
        probe.images[:2],
        lambda x: x + plan.radius * torch.from_numpy(np.concatenate(shifts).astype(np.float32)),
        n_perturb_samples=3, target=targets[:2],
    )  # fmt: skip
    found = max_sensitivity(probe, Saliency(), maps)
    assert found[:2] == pytest.approx(largest.numpy(), rel=1e-5)
    assert np.isnan(found[2])
