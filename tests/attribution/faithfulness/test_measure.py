"""Faithfulness on networks whose answer is known."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from some_plan import some_plan
from torch import Tensor, nn

from idc.attribution.faithfulness.measure import measure_faithfulness, work_steps
from idc.attribution.faithfulness.verdict import FAILS, UNPROVEN
from idc.attribution.methods import Attributions, Method, Saliency
from idc.errors import ConfigError
from idc.models import backbones
from idc.models.heads import linear
from idc.models.network import Network

SIDE = 16
PLAN = some_plan(
    baselines=["white", "blur"], steps=8, random_maps=4, perturbations=4, sensitivity_patches=4
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


class Window(nn.Module):
    """Class 1 is darkness in a window of 5x5 pixels, by one weight a pixel."""

    def __init__(self) -> None:
        super().__init__()
        weights = torch.zeros(SIDE, SIDE)
        weights[2:7, 8:13] = 1 / 25
        self.weights = nn.Parameter(weights)

    def forward(self, x: Tensor) -> Tensor:
        dark = ((1 - x.mean(1)) * self.weights).sum((1, 2))
        return torch.stack([torch.zeros_like(dark), 16 * dark - 4], 1)


class Gradient:
    """What each pixel's darkness adds to the logit: exact where the network is linear."""

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        images.requires_grad_()
        logits = model(images).gather(1, targets[:, None])
        (gradient,) = torch.autograd.grad(logits.sum(), images)
        return Attributions((gradient * (images - 1)).sum(1).detach().numpy(), "pixels")


class PlainGradient(Gradient):
    """The gradient itself, summed over the channels."""

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        images.requires_grad_()
        logits = model(images).gather(1, targets[:, None])
        (gradient,) = torch.autograd.grad(logits.sum(), images)
        return Attributions(gradient.sum(1).detach().numpy(), "pixels")


class Edges:
    """The patch's edges: looks like an explanation, and knows nothing of the network."""

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        down, right = torch.gradient(images.mean(1), dim=(1, 2))
        return Attributions((down**2 + right**2).sqrt().detach().numpy(), "edges")


class Elsewhere:
    """The corner that the network does not look at."""

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        maps = np.zeros((len(images), SIDE, SIDE), np.float32)
        maps[:, 9:14, 1:6] = 1
        return Attributions(maps, "corner")


class Louder(Elsewhere):
    """The same corner, at another scale."""

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        return Attributions(100 * super().__call__(model, images, targets).maps, "corner")


class Flat:
    """The same everywhere."""

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        return Attributions(np.full((len(images), SIDE, SIDE), 0.3, np.float32), "flat")


METHODS: dict[str, Method] = {
    "elsewhere": Elsewhere(),
    "edges": Edges(),
    "flat": Flat(),
    "louder": Louder(),
    "gradient": Gradient(),
    "plain": PlainGradient(),
}


def dark_patches(count: int = 12) -> tuple[np.ndarray, np.ndarray]:
    patches = np.random.default_rng(0).integers(0, 140, (count, SIDE, SIDE, 3), dtype=np.uint8)
    signal = np.zeros((count, SIDE, SIDE), bool)
    signal[:-1, 2:7, 8:13] = True  # the last has none
    return patches, signal


@pytest.fixture(scope="module")
def found():
    patches, signal = dark_patches()
    patients = np.array([f"p{i}" for i in range(12)], object)
    return measure_faithfulness(
        Window(), patches, np.ones(12, np.int64), patients, METHODS, PLAN, signal=signal
    )


def row(found, method: str) -> pd.Series:
    return found.table.set_index("method").loc[method]


def reasons(found, verdict: str) -> dict[str, str]:
    """Methods with a verdict, and why."""
    rows = found.table[found.table["verdict"] == verdict]
    return dict(zip(rows["method"], rows["reasons"], strict=True))


def test_the_true_map_beats_random_maps_and_a_wrong_one_does_not(found) -> None:
    assert row(found, "gradient")["drop_over_random_low"] > 0.2
    assert row(found, "elsewhere")["drop_over_random_high"] < 0
    assert row(found, "gradient")["verdict"] == "trust"
    assert row(found, "elsewhere")["verdict"] == "fails the weights check"
    assert found.table["method"].iloc[0] == "gradient"
    assert found.table["patients"].eq(len(set(found.per_patch["patient"]))).all()


def test_a_map_of_the_patch_alone_fails_the_weights_check(found) -> None:
    assert row(found, "edges")["randomisation_similarity"] == pytest.approx(1)
    assert row(found, "gradient")["randomisation_similarity"] < 0.3
    assert set(reasons(found, FAILS)) == {"edges", "elsewhere", "louder"}
    assert "rather than what the network has learnt" in reasons(found, FAILS)["edges"]


def test_a_flat_map_says_nothing_and_is_not_trusted(found) -> None:
    flat = found.per_patch[found.per_patch["method"] == "flat"]
    assert (flat["gain"] == 0).all()
    assert np.isnan(row(found, "flat")["randomisation_similarity"])
    assert row(found, "flat")["flat_share"] == 1
    assert row(found, "flat")["verdict"] == "says nothing"
    assert found.table["method"].iloc[-1] == "flat"
    assert found.marks == {
        "flat": "its maps are empty",
        **dict.fromkeys(("edges", "elsewhere", "louder"), "fails the weights check"),
        **dict.fromkeys(reasons(found, UNPROVEN), "not shown to beat random maps"),
    }
    assert "gradient" not in found.marks


def test_the_exact_gradient_of_a_linear_network_has_no_infidelity(found) -> None:
    plain, wrong = row(found, "plain"), row(found, "elsewhere")
    assert plain["infidelity"] == pytest.approx(0, abs=1e-6)
    assert plain["infidelity_share"] == pytest.approx(0, abs=1e-3)
    assert wrong["infidelity_share"] > 0.3
    assert row(found, "louder")["infidelity"] == pytest.approx(wrong["infidelity"], rel=1e-4)
    assert plain["max_sensitivity"] == pytest.approx(0, abs=1e-5)
    assert row(found, "edges")["max_sensitivity"] > 0.01


def test_places_are_held_against_the_truth(found) -> None:
    gradient, wrong = row(found, "gradient"), row(found, "elsewhere")
    assert gradient["pointing_game"] == 1
    assert wrong["pointing_game"] == 0
    assert gradient["localisation"] > 0.9
    assert gradient["signal_mass"] == pytest.approx(1, abs=1e-6)
    assert gradient["signal_area"] == pytest.approx(25 / SIDE**2)
    without = found.per_patch.query("patch == 11")["localisation"]
    assert without.isna().all()


def test_metrics_leave_out_what_is_unknown(found) -> None:
    metrics = found.metrics
    assert metrics["gradient/passes"] == metrics["gradient/trusted"] == 1
    assert metrics["flat/passes"] == 0
    assert metrics["flat/flat_share"] == 1
    assert metrics["flat/trusted"] == metrics["edges/passes"] == 0
    assert metrics["gradient/drop_over_random_ci_low"] < metrics["gradient/drop_over_random"]
    assert "gradient/completeness_error" not in metrics
    assert np.isfinite(list(metrics.values())).all()


def test_sentences_say_whom_to_trust(found) -> None:
    lines = found.sentences()
    assert lines[0] == "For this model, trust gradient first."
    assert any(line.startswith("Do not trust edges") for line in lines)
    assert any(line.startswith("flat says nothing") for line in lines)
    assert not any("patients only" in line for line in lines)


def test_gain_is_the_mean_of_what_single_patches_gain(found) -> None:
    part = found.per_patch[found.per_patch["method"] == "gradient"]
    by_hand = (part["insertion_auc"] - part["deletion_auc"]) - (
        part["insertion_auc_random"] - part["deletion_auc_random"]
    )
    assert row(found, "gradient")["drop_over_random"] == pytest.approx(by_hand.mean())
    curves = found.curves.query("method == 'gradient' and maps == 'method' and kind == 'deletion'")
    areas = {b: np.trapezoid(c["probability"], c["share"]) for b, c in curves.groupby("baseline")}
    assert len(areas) == 2 and abs(areas["white"] - areas["blur"]) > 0.01
    assert set(curves["baseline"][curves["decides"]]) == set(found.references.deciding)
    mean = np.mean([areas[name] for name in found.references.deciding])
    assert row(found, "gradient")["deletion_auc"] == pytest.approx(mean)


def test_each_baseline_has_its_own_gain_and_the_mean_is_theirs(found) -> None:
    gradient = row(found, "gradient")
    own = [gradient[f"drop_over_random_{name}"] for name in ("white", "blur")]
    assert abs(own[0] - own[1]) > 0.05
    deciding = found.references.deciding
    gains = [gradient[f"drop_over_random_{name}"] for name in deciding]
    assert gradient["drop_over_random"] == pytest.approx(np.mean(gains))
    for name, gain in zip(("white", "blur"), own, strict=True):
        low, high = (gradient[f"drop_over_random_{name}_{end}"] for end in ("low", "high"))
        assert low < gain < high
        assert found.metrics[f"gradient/drop_over_random_{name}"] == gain
        part = found.per_patch.query("method == 'gradient'")
        assert gain == pytest.approx(part[f"gain_{name}"].mean())
        assert gradient[f"probability_at_{name}"] == part[f"probability_at_{name}"].mean()
    ends = [gradient[f"probability_at_{name}"] for name in deciding]
    assert gradient["probability_at_baseline"] == pytest.approx(np.mean(ends))


def test_the_gain_in_the_sentence_is_the_gain_in_the_table(found) -> None:
    for each in found.table.to_dict("records"):
        gain, low, high = (each[f"drop_over_random{end}"] for end in ("", "_low", "_high"))
        assert f"gain {gain:.3f}, 95 % interval {low:.3f} to {high:.3f}" in each["reasons"]
    metrics = found.metrics
    assert metrics["gradient/drop_over_random"] == row(found, "gradient")["drop_over_random"]
    # What decides does not hang on which methods are measured, nor on their own curves.
    patches, _ = dark_patches()
    patients = np.array([f"p{i}" for i in range(12)], object)
    ones = np.ones(12, np.int64)
    alone = measure_faithfulness(Window(), patches, ones, patients, {"e": Elsewhere()}, PLAN)
    assert alone.references == found.references


class Darkness(nn.Module):
    """The probability of class 1 is the mean darkness; there are no weights."""

    def forward(self, x: Tensor) -> Tensor:
        dark = (1 - x).mean((1, 2, 3)).clamp(1e-7, 1 - 1e-7)
        return torch.stack([(1 - dark).log(), dark.log()], 1)


class Fixed:
    """A map that is given."""

    def __init__(self, values: list[list[float]]) -> None:
        self.values = np.array([values], np.float32)

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        return Attributions(np.repeat(self.values, len(images), 0), "fixed")


def test_insertion_and_deletion_by_hand() -> None:
    # Darkness 0.8, 0.6, 0.4 and 0.2: taken out in that order the mean is 0.5, 0.3, 0.15, 0.05, 0.
    patches = np.array([[[[51] * 3, [102] * 3], [[153] * 3, [204] * 3]]], np.uint8)
    methods: dict[str, Method] = {
        "right": Fixed([[4, 3], [2, 1]]),
        "reversed": Fixed([[1, 2], [3, 4]]),
    }
    plan = some_plan(steps=4, baselines=["white"], sensitivity_patches=0)
    found = measure_faithfulness(Darkness(), patches, np.array([1]), np.array(["p"]), methods, plan)
    right, wrong = row(found, "right"), row(found, "reversed")
    assert right["deletion_auc"] == pytest.approx(0.1875, abs=1e-6)
    assert right["insertion_auc"] == pytest.approx(0.3125, abs=1e-6)
    assert wrong["deletion_auc"] == pytest.approx(0.3125, abs=1e-6)
    assert wrong["insertion_auc"] == pytest.approx(0.1875, abs=1e-6)
    # One patch has no interval, and a network without weights no weights check.
    assert right["verdict"] == "not shown to beat random maps"
    assert "one patient is too few" in right["reasons"]
    assert "no weights to shuffle" in right["reasons"]
    assert "right/randomisation_similarity" not in found.metrics


def small_network() -> Network:
    torch.manual_seed(0)
    backbone = backbones.vanilla_cnn(SIDE, width=4)
    return Network(backbone, linear(backbone.num_features, 2, dropout=0.5), SIDE)


def test_the_model_stays_as_it_was_and_inference_mode_does_not_matter() -> None:
    model = small_network().train()
    before = copy.deepcopy(model.state_dict())
    patches, _ = dark_patches(3)
    with torch.inference_mode():
        found = measure_faithfulness(
            model, patches, np.ones(3, np.int64), np.arange(3), {"s": Saliency()}, PLAN
        )
    assert found.table["patients"].eq(3).all()
    assert any("of 3 patients only" in line for line in found.sentences())
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


def test_results_do_not_depend_on_the_batch_size_and_progress_adds_up() -> None:
    patches, signal = dark_patches(5)
    told: list[int] = []
    tables = [
        measure_faithfulness(
            small_network(),
            patches,
            np.array([0, 1, 1, 0, 1]),
            np.arange(5),
            {"s": Saliency(), "g": Gradient()},
            PLAN,
            batch_size=size,
            signal=signal,
            advance=told.append,
        ).per_patch
        for size in (2, 16)
    ]
    pd.testing.assert_frame_equal(*tables, rtol=1e-3, atol=1e-4)
    assert sum(told) == 2 * work_steps(small_network(), 5, 2, PLAN)
    first = tables[0][tables[0]["method"] == "s"]
    assert first["max_sensitivity"].isna().tolist() == [False] * 4 + [True]


def test_a_gradient_of_a_network_with_batchnorm_passes_the_weights_check() -> None:
    patches, _ = dark_patches(6)
    plan = some_plan(steps=2, random_maps=1, sensitivity_patches=0, shuffles=2)
    found = measure_faithfulness(
        small_network(),
        patches,
        np.ones(6, np.int64),
        np.arange(6),
        {"saliency": Saliency(), "edges": Edges()},
        plan,
    )
    stages = found.randomisation.query("method == 'saliency'")
    assert stages["layer"].tolist()[:2] == ["as trained", "head"]
    assert stages["similarity"].iloc[0] == pytest.approx(1)
    assert stages["similarity"].iloc[-1] < 0.5
    assert list(reasons(found, FAILS)) == ["edges"]


class Vanishing(Saliency):
    """Saliency that has nothing to say once the first layer is shuffled."""

    def __init__(self, model: Network) -> None:
        self.first = next(model.parameters()).detach().clone()

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Attributions:
        found = super().__call__(model, images, targets)
        same = torch.equal(next(model.parameters()), self.first)
        return found if same else Attributions(np.zeros_like(found.maps), "nothing")


def test_empty_maps_of_shuffled_weights_are_left_out_and_the_stage_before_counts() -> None:
    patches, _ = dark_patches(6)
    plan = some_plan(steps=2, random_maps=1, sensitivity_patches=0, shuffles=2)
    model = small_network()
    methods: dict[str, Method] = {"saliency": Saliency(), "vanishing": Vanishing(model)}
    ones = np.ones(6, np.int64)
    found = measure_faithfulness(model, patches, ones, np.arange(6), methods, plan)
    stages = found.randomisation.set_index(["method", "stage"])
    last = found.randomisation["stage"].max()
    assert np.isnan(stages.loc[("vanishing", last), "similarity"])
    assert stages.loc[("vanishing", last), "known"] == 0
    before = stages.loc[("saliency", last - 1)]
    vanishing = row(found, "vanishing")
    assert vanishing["flat_share"] == 0
    assert vanishing["randomisation_similarity"] == pytest.approx(before["similarity"])
    assert vanishing["randomisation_layer"] == before["layer"]
    assert f"once {before['layer']} is shuffled; further on they are empty" in vanishing["reasons"]
    late = stages.loc["saliency"]["similarity"].iloc[-(-last // 2) :]
    assert row(found, "saliency")["randomisation_highest"] == pytest.approx(late.max())


def test_a_baseline_that_keeps_the_class_is_told() -> None:
    patches, _ = dark_patches(4)
    plan = some_plan(steps=2, random_maps=1, sensitivity_patches=0, baselines=["mean"])
    found = measure_faithfulness(
        Window(), patches, np.ones(4, np.int64), np.arange(4), {"g": Gradient()}, plan
    )
    assert any("Choose other explain.faithfulness.baselines" in s for s in found.sentences())
    assert "no reference image takes the class away" in reasons(found, UNPROVEN)["g"]


def test_nothing_to_measure_is_refused() -> None:
    patches, _ = dark_patches(1)
    with pytest.raises(ConfigError, match="no patch or no method"):
        measure_faithfulness(Window(), patches, np.array([1]), np.array(["p"]), {}, PLAN)


def test_baselines_are_a_list_or_one_alone() -> None:
    assert some_plan(baselines="blur").baselines == ["blur"]
    assert some_plan(baselines=("white", "mean", "white")).baselines == ["white", "mean"]
