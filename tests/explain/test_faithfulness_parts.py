"""Random maps, shuffled weights, ranks, similarity, truth and intervals by themselves."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from idc.explain.faithfulness.intervals import mean_interval, units_of
from idc.explain.faithfulness.plan import FaithfulnessPlan
from idc.explain.faithfulness.probe import Probe
from idc.explain.faithfulness.removal import filled, pixel_ranks
from idc.explain.faithfulness.shuffling import MAX_BLOCKS, shuffled_stages, weight_blocks
from idc.explain.faithfulness.similarity import map_similarity
from idc.explain.faithfulness.spectrum import random_maps_like
from idc.explain.faithfulness.truth import truth_measures
from idc.explain.faithfulness.verdict import judge
from idc.explain.faithfulness.weights_check import similarities
from idc.explain.methods import Saliency
from idc.models import backbones
from idc.models.heads import linear, mlp
from idc.models.network import Network

SIZES = st.tuples(st.integers(2, 9), st.integers(2, 9))
MAPS = SIZES.flatmap(
    lambda size: arrays(np.float32, (2, *size), elements=st.floats(-8, 8, width=16))
)


@given(MAPS, st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_random_maps_have_the_same_spectrum(maps: np.ndarray, seed: int) -> None:
    random = random_maps_like(maps, 3, [(seed, 0), (seed, 1)])
    assert random.shape == (2, 3, *maps.shape[1:])
    for one, many in zip(maps.astype(float), random, strict=True):
        amplitudes = np.abs(np.fft.fft2(one))
        assert np.allclose(
            np.abs(np.fft.fft2(many)), amplitudes, atol=1e-6 * (1 + amplitudes.max())
        )
        assert np.allclose(many.mean((1, 2)), one.mean(), atol=1e-6)
        assert np.allclose(many.std((1, 2)), one.std(), atol=1e-5)


def test_random_maps_are_other_maps_and_seeded() -> None:
    maps = np.random.default_rng(7).normal(size=(2, 12, 12))
    first = random_maps_like(maps, 2, [(0, 0), (0, 1)])
    assert np.array_equal(first, random_maps_like(maps, 2, [(0, 0), (0, 1)]))
    assert np.array_equal(first[1:], random_maps_like(maps[1:], 2, [(0, 1)]))
    assert np.abs(first[0, 0] - first[0, 1]).max() > 0.1
    flat = np.full((1, 49, 37), 0.3, np.float32)
    assert (random_maps_like(flat, 2, [(0, 0)]) == flat[0, 0, 0]).all()
    assert abs(np.corrcoef(first[0, 0].ravel(), maps[0].ravel())[0, 1]) < 0.5


def test_pixels_of_the_same_value_follow_their_surroundings() -> None:
    maps = np.zeros((2, 9, 9))
    maps[0, 8, 8] = 1
    maps[1] = np.arange(81).reshape(9, 9)
    ranks = pixel_ranks(maps)
    assert ranks[0, 80] == 0
    assert set(ranks[0, [79, 71]]) == {1, 2}  # beside it
    assert ranks[0, 0] == 80
    assert ranks[1].tolist() == list(range(81))[::-1]


@pytest.mark.parametrize("kind", ["blur", "white", "black", "mean"])
def test_what_pixels_are_replaced_with(kind: str) -> None:
    images = np.random.default_rng(0).random((2, 3, 20, 20), np.float32)
    found = filled(images, kind)  # type: ignore[arg-type]
    assert found.shape == images.shape
    assert found.dtype == np.float32
    want = {"white": 1.0, "black": 0.0}.get(kind)
    if want is not None:
        assert (found == want).all()
    else:
        assert np.allclose(found.mean((2, 3)), images.mean((2, 3)), atol=0.05)
        assert found.std((2, 3)).max() < 0.3 * images.std((2, 3)).min()


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet18": lambda: backbones.resnet("resnet18", 32),
    "vgg16_bn": lambda: backbones.vgg("vgg16_bn", 32),
    "mobilenet_v3_small": lambda: backbones.mobilenet("mobilenet_v3_small", 32),
    "simple_cnn": lambda: backbones.simple_cnn(32),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_blocks_hold_every_weight_once_with_the_head_first(name: str) -> None:
    backbone = NETWORKS[name]()
    model = Network(backbone, linear(backbone.num_features, 2), 32)
    blocks = weight_blocks(model)
    assert 2 <= len(blocks) <= MAX_BLOCKS
    assert blocks[0].modules == (model.head,)
    held = [id(p) for block in blocks for m in block.modules for p in m.parameters()]
    assert sorted(held) == sorted(id(p) for p in model.parameters())
    first = next(m for m in model.modules() if isinstance(m, nn.Conv2d))
    assert any(m is first for part in blocks[-1].modules for m in part.modules())


def test_shuffling_keeps_the_weights_and_renews_the_statistics() -> None:
    torch.manual_seed(0)
    backbone = backbones.vanilla_cnn(16, width=4)
    model = Network(backbone, mlp(backbone.num_features, 2, hidden=(8,)), 16).eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
                module.running_var *= 1e-6  # would blow the activations up
    images = torch.rand(1, 3, 16, 16)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    start = {name: p.clone() for name, p in model.named_parameters() if "block1" in name}
    stages = shuffled_stages(model, weight_blocks(model), images, (0, 1))
    assert next(stages) == "head"
    assert all(torch.equal(p, start[n]) for n, p in model.named_parameters() if n in start)
    assert next(iter(stages)).endswith("block3")
    for _ in stages:
        pass
    for name, weight in model.named_parameters():
        assert torch.equal(weight.flatten().sort().values, before[name].flatten().sort().values)
    conv = "backbone.stages.block1.0.weight"
    assert not torch.equal(model.get_parameter(conv), before[conv])
    assert not any(module.training for module in model.modules())
    with torch.no_grad():
        assert model(images).abs().max() < 100


def test_each_shuffling_starts_from_the_trained_network() -> None:
    torch.manual_seed(0)
    backbone = backbones.vanilla_cnn(16, width=4)
    model = Network(backbone, linear(backbone.num_features, 2), 16).eval().requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    plan = FaithfulnessPlan(shuffles=2)
    probe = Probe(model, torch.rand(2, 3, 16, 16), torch.ones(2, dtype=torch.int64), plan, 2)
    maps, _ = probe.maps(Saliency())
    told: list[int] = []
    layers, similar = similarities(probe, {"s": Saliency()}, {"s": maps}, told.append)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert similar["s"].shape == (len(layers), 2)
    assert told == [2] * 2 * (len(layers) - 1)


def test_similarity_is_of_sizes_and_zero_for_flat_maps() -> None:
    maps = np.random.default_rng(0).normal(size=(3, 6, 6))
    assert map_similarity(maps, -2 * maps) == pytest.approx(np.ones(3))
    falling = np.abs(maps).max() - np.abs(maps)
    assert map_similarity(maps, falling) == pytest.approx(-np.ones(3))
    assert (map_similarity(maps, np.ones_like(maps)) == 0).all()
    assert (map_similarity(maps, np.full_like(maps, np.nan)) == 0).all()


def test_truth_by_hand() -> None:
    signal = np.zeros((4, 50, 50), bool)
    signal[:3, 10:20, 10:20] = True
    maps = np.zeros((4, 50, 50), np.float32)
    maps[0] = signal[0]
    maps[1] = 1 - signal[1]
    maps[1, 15, 22] = 2  # three pixels beside it, which the paper's tolerance allows
    maps[2, 15, 23] = 2  # four pixels beside it
    found = truth_measures(maps, signal)
    assert found["pointing_game"].tolist()[:3] == [1, 1, 0]
    assert found["localisation"].tolist()[:2] == [1, 0]
    assert found["localisation"][2] == pytest.approx(0.5, abs=1e-3)
    assert found["signal_mass"].tolist()[:3] == [1, 0, 0]
    assert found["signal_area"][0] == pytest.approx(0.04)
    assert 0.04 < found["pointing_chance"][0] < 16**2 / 2500
    assert found.loc[3].isna().all()


def test_a_flat_map_hits_by_chance() -> None:
    signal = np.zeros((1, 20, 20), bool)
    signal[0, :5, :5] = True
    found = truth_measures(np.zeros((1, 20, 20), np.float32), signal).loc[0]
    assert found["pointing_game"] == pytest.approx(found["pointing_chance"])
    assert found["localisation"] == 0.5
    assert np.isnan(found["signal_mass"])


def test_intervals_are_over_patients_where_there_are_enough() -> None:
    rng = np.random.default_rng(0)
    shift = rng.normal(size=12).repeat(20)
    values = shift + 0.01 * rng.normal(size=240)
    over_patients, over_patches = units_of(np.arange(12).repeat(20)), units_of(np.zeros(240))
    assert (over_patients.kind, over_patches.kind) == ("patient", "patch")
    wide, narrow = (mean_interval(values, units, 0) for units in (over_patients, over_patches))
    assert [wide[0], narrow[0]] == pytest.approx([values.mean()] * 2)
    assert wide[2] - wide[1] > 2.5 * (narrow[2] - narrow[1])
    values[1:] = np.nan
    assert mean_interval(values, over_patches, 0)[0] == values[0]
    assert np.isnan(mean_interval(values, over_patches, 0)[1:]).all()
    assert np.isnan(mean_interval(np.full(240, np.nan), over_patches, 0)).all()


@pytest.mark.parametrize(
    ("similarity", "low", "verdict"),
    [
        (0.2, 0.01, "trust"),
        (0.2, -0.01, "no better than a random map"),
        (0.2, 0.0, "no better than a random map"),
        (0.51, 0.01, "fails the weights check"),
        (0.51, -0.01, "fails the weights check"),
        (0.5, 0.01, "trust"),
    ],
)
def test_verdicts(similarity: float, low: float, verdict: str) -> None:
    row = {
        "randomisation_similarity": similarity,
        "drop_over_random": 0.05,
        "drop_over_random_low": low,
        "drop_over_random_high": 0.2,
    }
    found, reasons = judge(row, 0.5)
    assert found == verdict
    assert ("hardly change" in reasons) == (similarity > 0.5)
    assert ("not shown" in reasons) == (low <= 0)
