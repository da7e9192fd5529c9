"""Which reference images decide."""

import numpy as np
import pytest
import torch
from some_plan import some_plan

from idc.attribution.faithfulness.measure import own_references
from idc.attribution.faithfulness.probe import Probe
from idc.attribution.faithfulness.references import References, decide_references
from idc.attribution.faithfulness.removal import removal_curves
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
