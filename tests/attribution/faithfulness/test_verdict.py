"""The reference images that decide, and the verdicts."""

import numpy as np
import pytest
import torch
from some_plan import some_plan

from idc.attribution.faithfulness.measure import own_references
from idc.attribution.faithfulness.pixel_changes import removal_curves
from idc.attribution.faithfulness.probe import Probe
from idc.attribution.faithfulness.verdict import References, decide_references, judge
from idc.attribution.methods import GradientShap, IntegratedGradients, Saliency

BOTH = some_plan(baselines=["white", "mean"])
OWN = {"gradcam": [], "integrated_gradients": ["white"]}


class Dark(torch.nn.Module):
    """The logit of class 1 falls with the brightness."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        dark = 8 * (0.4 - x.mean((1, 2, 3)))
        return torch.stack([torch.zeros_like(dark), dark], 1)


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


UNPROVEN, FAILS = "not shown to beat random maps", "fails the weights check"
TWO = References(0.9, {"white": 0.1, "mean": 0.1}, ("white", "mean"))


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
