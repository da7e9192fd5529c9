"""Random maps, shuffled weights, ranks, similarity, truth and intervals by themselves."""

from collections.abc import Callable

import captum.metrics
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from some_plan import some_plan
from torch import nn

from idc.attribution.faithfulness.likeness import is_flat, map_similarity, random_maps_like
from idc.attribution.faithfulness.local import infidelity, max_sensitivity, noise_effects
from idc.attribution.faithfulness.measure import own_references
from idc.attribution.faithfulness.place import border_measures, truth_measures
from idc.attribution.faithfulness.probe import Probe
from idc.attribution.faithfulness.references import References, decide_references
from idc.attribution.faithfulness.removal import filled, pixel_ranks, removal_curves
from idc.attribution.faithfulness.summary import mean_interval, stages_summary, units_of
from idc.attribution.faithfulness.verdict import judge
from idc.attribution.faithfulness.weights_check import (
    MAX_BLOCKS,
    late_stages,
    measured_stages,
    shuffled_stages,
    similarities,
    weight_blocks,
)
from idc.attribution.methods import GradientShap, IntegratedGradients, Saliency
from idc.attribution.prepare import gradients
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
    plan = some_plan(shuffles=2)
    probe = Probe(model, torch.rand(2, 3, 16, 16), torch.ones(2, dtype=torch.int64), plan, 2)
    maps, _ = probe.maps(Saliency())
    told: list[int] = []
    layers, similar = similarities(probe, {"s": Saliency()}, {"s": maps}, told.append)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert similar["s"].shape == (len(layers), 2)
    assert told == [2] * 2 * (len(layers) - 1)


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


def test_similarity_is_of_sizes_and_unknown_for_flat_maps() -> None:
    maps = np.random.default_rng(0).normal(size=(3, 6, 6))
    assert map_similarity(maps, -2 * maps) == pytest.approx(np.ones(3))
    falling = np.abs(maps).max() - np.abs(maps)
    assert map_similarity(maps, falling) == pytest.approx(-np.ones(3))
    assert np.isnan(map_similarity(maps, np.ones_like(maps))).all()
    assert np.isnan(map_similarity(np.zeros_like(maps), maps)).all()
    assert np.isnan(map_similarity(maps, np.full_like(maps, np.nan))).all()


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


def test_intervals_are_over_patients_however_few() -> None:
    rng = np.random.default_rng(0)
    shift = rng.normal(size=12).repeat(20)
    values = shift + 0.01 * rng.normal(size=240)
    twelve, each = units_of(np.arange(12).repeat(20)), units_of(np.arange(240))
    wide, narrow = (mean_interval(values, units, 0) for units in (twelve, each))
    assert [wide[0], narrow[0]] == pytest.approx([values.mean()] * 2)
    assert wide[2] - wide[1] > 2.5 * (narrow[2] - narrow[1])
    two = mean_interval(values[:40], units_of(np.arange(2).repeat(20)), 0)
    halves = values[:40].reshape(2, 20).mean(1)
    # Student's t with one degree of freedom: 12.7 standard errors to each side.
    assert two[2] - two[1] == pytest.approx(12.7 * abs(halves[0] - halves[1]), rel=0.05)
    values[1:] = np.nan
    assert mean_interval(values, twelve, 0)[0] == values[0]
    assert np.isnan(mean_interval(values, twelve, 0)[1:]).all()
    assert np.isnan(mean_interval(np.full(240, np.nan), twelve, 0)).all()


class Dark(torch.nn.Module):
    """The logit of class 1 falls with the brightness."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        dark = 8 * (0.4 - x.mean((1, 2, 3)))
        return torch.stack([torch.zeros_like(dark), dark], 1)


def measured(**changes: object) -> dict[str, object]:
    """A method that is to be trusted, but for the changes."""
    row: dict[str, object] = {"probability": 0.9, "flat_share": 0.0}
    for name in ("white", "mean"):
        row |= {
            f"probability_at_{name}": 0.1,
            f"drop_over_random_{name}": 0.05,
            f"drop_over_random_{name}_low": 0.02,
            f"drop_over_random_{name}_high": 0.08,
        }
    row |= {
        "randomisation_similarity": 0.2,
        "randomisation_highest": 0.3,
        "randomisation_blocks": 4,
        "randomisation_layer": "",
        "randomisation_until": "",
        "border_mass": 0.15,
        "border_area": 0.15,
        "own_baselines": "",
        "drop_over_random": 0.05,
        "drop_over_random_low": 0.02,
        "drop_over_random_high": 0.08,
    }
    assert changes.keys() <= row.keys()
    return row | changes


BOTH = some_plan(baselines=["white", "mean"])
TWO = References(0.9, {"white": 0.1, "mean": 0.1}, ("white", "mean"))
UNPROVEN, FAILS = "not shown to beat random maps", "fails the weights check"


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        (
            {},
            "trust",
            "(gain 0.050, 95 % interval 0.020 to 0.080, pixels replaced by white and the mean",
        ),
        ({"drop_over_random_low": 0.01}, UNPROVEN, "more than 0.01 (gain 0.050"),
        ({"drop_over_random_low": np.nan}, UNPROVEN, "one patient is too few"),
        ({"drop_over_random_high": -0.01}, UNPROVEN, "worse than random maps of the same"),
        # Only the gain of the table decides, not its parts.
        ({"drop_over_random_mean_low": -0.1}, "trust", "gain 0.050"),
        ({"own_baselines": "black"}, "trust", "gain 0.050"),
        ({"own_baselines": "white"}, UNPROVEN, "which the method itself uses"),
        ({"randomisation_similarity": 0.5}, "trust", "its maps change"),
        ({"randomisation_similarity": 0.51}, FAILS, "hardly change when all weights"),
        (
            {"randomisation_similarity": 0.51, "drop_over_random_low": 0.0},
            FAILS,
            "not shown to be better",
        ),
        (
            {"randomisation_similarity": 0.51, "randomisation_layer": "stem"},
            FAILS,
            "hardly change once stem is shuffled; further on they are empty",
        ),
        (
            {"randomisation_highest": 0.7, "randomisation_until": "stem"},
            "trust",
            "stay alike (up to 0.70, more than 0.50) until stem is shuffled",
        ),
        ({"randomisation_similarity": np.nan}, "trust", "the weights check cannot compare"),
        (
            {"randomisation_similarity": np.nan, "randomisation_blocks": 0},
            "trust",
            "no weights to shuffle",
        ),
        ({"flat_share": 0.5}, "trust", "empty in 50 % of the patches"),
        ({"flat_share": 0.51}, "says nothing", "empty in 51 % of the patches"),
        ({"flat_share": 0.6, "randomisation_similarity": 0.9}, "says nothing", "hardly change"),
        (
            {"flat_share": 1.0, "randomisation_similarity": np.nan},
            "says nothing",
            "nothing in them that shuffled weights could change",
        ),
        (
            {"border_mass": 0.37},
            "trust",
            "37 % of its weight on the patch's edge, which is 15 % of its area: likely padding",
        ),
    ],
)
def test_verdicts_and_reasons(changes: dict[str, object], verdict: str, words: str) -> None:
    found, reasons = judge(measured(**changes), BOTH, TWO)
    assert found == verdict
    assert words in reasons
    assert ("padding" in reasons) == ("border_mass" in changes)
    assert ("until" in reasons) == ("randomisation_until" in changes)
    assert ("empty in" in reasons) == ("flat_share" in changes)


def test_a_weight_on_the_edge_of_twice_its_area_is_not_said_yet() -> None:
    assert "padding" not in judge(measured(border_mass=0.3), BOTH, TWO)[1]
    assert "padding" not in judge(measured(border_mass=np.nan), BOTH, TWO)[1]


def test_a_limit_of_the_gain_is_the_plans() -> None:
    strict = some_plan(baselines=["white", "mean"], least_gain=0.03)
    assert judge(measured(), strict, TWO)[0] == UNPROVEN


def test_a_reference_image_that_counts_and_does_not_decide_may_still_object() -> None:
    mean = References(0.9, {"white": 0.1, "mean": 0.1}, ("mean",))
    assert judge(measured(own_baselines="white"), BOTH, mean)[0] == "trust"
    verdict, reasons = judge(measured(drop_over_random_white_high=-0.01), BOTH, mean)
    assert verdict == UNPROVEN
    assert "random maps of the same spectrum with white (gain 0.050" in reasons
    idle = References(0.9, {"white": 0.73, "mean": 0.1}, ("mean",))  # more than 0.8 of 0.9 stays
    assert idle.counting == ["mean"]
    assert judge(measured(drop_over_random_white_high=-0.01), BOTH, idle)[0] == "trust"
    none = References(0.9, {"white": 0.88, "mean": 0.85}, ("white", "mean"))
    verdict, reasons = judge(measured(), BOTH, none)
    assert verdict == UNPROVEN
    assert "no reference image takes the class away" in reasons


OWN = {"gradcam": [], "integrated_gradients": ["white"]}


@pytest.mark.parametrize(
    ("owners", "before", "deciding"),
    [
        ({"gradcam": []}, (), ("white", "mean")),
        (OWN, (), ("mean",)),
        (OWN | {"gradient_shap": ["white", "mean"]}, (), ("mean",)),
        # What decided when the run was explained first decides again.
        ({"gradcam": []}, ("mean",), ("mean",)),
        (OWN, ("white",), ("white",)),
        ({"gradcam": []}, ("blur",), ("white", "mean")),
    ],
)
def test_what_decides_is_one_choice_for_all_methods(
    owners: dict[str, list[str]], before: tuple[str, ...], deciding: tuple[str, ...]
) -> None:
    images = torch.zeros(4, 3, 8, 8)  # dark; white takes the class away, and so does half of it
    images[:, :, ::2] = 0.2
    references = {"white": torch.ones_like(images), "mean": torch.full_like(images, 0.6)}
    probe = Probe(Dark(), images, torch.ones(4, dtype=torch.int64), BOTH, 4)
    random = np.random.default_rng(0).random((4, 1, 8, 8))
    curves = removal_curves(probe, [x.numpy() for x in references.values()], random)
    deletion = dict(zip(references, curves[:, 1, :, 0], strict=True))
    found = decide_references(deletion, owners, before)
    assert found.deciding == deciding
    assert found.probability == pytest.approx(
        float(probe.probability(images, probe.targets).mean())
    )


def test_what_decides_is_said_once() -> None:
    mean = References(0.9, {"white": 0.1, "mean": 0.1}, ("mean",))
    assert mean.sentences(OWN) == [
        "All methods are judged by pixels replaced by the mean colour, not by white, which "
        "integrated_gradients uses."
    ]
    idle, judged = References(0.9, {"white": 0.1, "mean": 0.88}, ("white",)).sentences(OWN)
    assert "0.88 with the mean colour" in idle and "does not count" in idle
    assert judged == "All methods are judged by pixels replaced by white."
    *_, last = References(0.9, {"white": 0.88, "mean": 0.9}, ("white", "mean")).sentences(OWN)
    assert "choose other explain.faithfulness.baselines" in last.lower()


def test_methods_own_reference_images() -> None:
    assert own_references(IntegratedGradients(baseline="black")) == ["black"]
    assert own_references(GradientShap()) == ["white", "mean"]
    assert own_references(Saliency()) == []


def test_what_the_stages_say_where_some_maps_are_empty() -> None:
    layers = ["as trained", "head", "three", "two", "one"]
    similar = np.array([1, 0.9, 0.7, 0.6, 0.2])[:, None].repeat(4, 1)
    found = stages_summary(similar, layers, 0.5)
    assert found["randomisation_highest"] == pytest.approx(0.7)  # the head is not half of them
    assert (found["randomisation_until"], found["randomisation_layer"]) == ("one", "")
    assert stages_summary(similar, layers, 0.75)["randomisation_until"] == ""
    similar[4, :3] = np.nan  # the last stage is known of one patch in four
    found = stages_summary(similar, layers, 0.5)
    assert found["randomisation_layer"] == "two"
    assert found["randomisation_until"] == ""  # it fails at the last stage that is known
    assert measured_stages(similar).tolist() == [1, 2, 3]
    assert late_stages(similar).tolist() == [2, 3]
    similar[:, :3] = np.nan  # as trained, the maps of those patches are empty as well
    assert measured_stages(similar).tolist() == [1, 2, 3, 4]
    nothing = stages_summary(np.full((5, 4), np.nan), layers, 0.5)
    assert np.isnan(nothing["randomisation_highest"])
    assert (nothing["randomisation_until"], nothing["randomisation_layer"]) == ("", "")


def test_flat_maps_are_known_whatever_they_hold() -> None:
    maps = np.zeros((5, 4, 4), np.float32)
    maps[1] = -7
    maps[2] = np.nan
    maps[3, 0, 0] = 1e-3
    maps[4] = 5 + 1e-6 * np.arange(16).reshape(4, 4) / 15
    assert is_flat(maps).tolist() == [True, True, True, False, True]


def test_the_edge_by_hand() -> None:
    maps = np.zeros((4, 50, 50), np.float32)
    maps[0] = 3
    maps[1, :2] = 1
    maps[1, 2] = 1  # the third row is not the edge, but for its ends
    maps[1, 40] = -5
    maps[2] = -1
    maps[3, :, 48:] = 1
    found = border_measures(maps)
    assert found["border_area"].tolist() == pytest.approx([1 - 46**2 / 50**2] * 4)
    assert found["border_mass"][0] == pytest.approx(found["border_area"][0])
    assert found["border_mass"][1] == pytest.approx(104 / 150)
    assert np.isnan(found["border_mass"][2])
    assert found["border_mass"][3] == 1
    assert border_measures(np.ones((1, 8, 20)))["border_area"][0] == pytest.approx(52 / 160)
    assert border_measures(np.ones((1, 2, 2)))["border_mass"][0] == 1
