import numpy as np
import pytest
import torch
from torch import Tensor, nn

from idc.metrics.calibration import Calibration, CalibrationRule
from idc.models.backbones import simple_cnn
from idc.models.calibrated import CalibratedScorer
from idc.models.network import Network

BATCHES = (2, 7, 64)


class Steep(nn.Module):
    """A head whose logits are as far apart as those of an over-confident network."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, classes)

    def forward(self, x: Tensor) -> Tensor:
        return 40 * self.linear(x)


def network(classes: int) -> Network:
    torch.manual_seed(0)
    backbone = simple_cnn(20)
    return Network(backbone, Steep(backbone.num_features, classes), 20).eval()


def images(n: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(n).integers(0, 256, (n, 3, 20, 20), np.uint8))


def probabilities(model: Network, x: Tensor) -> np.ndarray:
    with torch.no_grad():
        return model(x).double().softmax(1).numpy()


def fitted(method: str, model: Network, classes: int) -> Calibration:
    p = probabilities(model, images(200))
    rng = np.random.default_rng(0)
    odds = np.log(p) / 3
    truth = np.exp(odds) / np.exp(odds).sum(1, keepdims=True)
    labels = (rng.random((200, 1)) > truth.cumsum(1)).sum(1).clip(max=classes - 1)
    return CalibrationRule(method).fit(labels, p)


@pytest.mark.parametrize(
    ("method", "classes"),
    [("none", 2), ("temperature", 2), ("platt", 2), ("isotonic", 2), ("temperature", 4)],
)
def test_the_exported_graph_gives_calibrated_probabilities(method: str, classes: int) -> None:
    model = network(classes)
    calibration = fitted(method, model, classes)
    assert calibration.method == method
    scorer = CalibratedScorer(model, calibration).eval()
    shapes = ({0: torch.export.Dim("batch")},)
    graph = torch.export.export(scorer, (images(2),), dynamic_shapes=shapes).module()
    for n in BATCHES:
        expected = calibration.apply(probabilities(model, images(n)))
        for run in (scorer, graph):
            with torch.no_grad():
                found = run(images(n))
            assert found.dtype == torch.float32
            assert found.shape == (n, classes)
            assert np.allclose(found.numpy(), expected, atol=1e-5)
    raw = probabilities(model, images(64))
    assert method == "none" or not np.allclose(expected, raw, atol=0.01)


@pytest.mark.parametrize("method", ["none", "temperature"])
def test_scores_of_several_labels_are_calibrated_each(method: str) -> None:
    model = network(3)
    model.multi_label = True
    with torch.no_grad():
        p = model.probabilities(model(images(200)).double()).numpy()
    labels = (np.random.default_rng(0).random(p.shape) < (p + 0.5) / 2).astype(np.int64)
    calibration = CalibrationRule(method).fit(labels, p)
    assert (calibration.temperature > 2) == (method == "temperature")
    expected = calibration.apply(p, multi_label=True)
    with torch.no_grad():
        assert np.allclose(CalibratedScorer(model, calibration)(images(200)), expected, atol=1e-5)
    # Each score by itself: more labels change no score, as they would under a softmax.
    assert np.allclose(calibration.apply(p[:, :1], multi_label=True), expected[:, :1])


class Fixed(nn.Module):
    """Gives logits whatever the images are."""

    multi_label = False

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, images: Tensor) -> Tensor:
        return self.logits


@pytest.mark.parametrize(
    "calibration",
    [
        Calibration("temperature", temperature=5.0),
        Calibration("platt", slope=0.3, intercept=-2.0),
        Calibration("isotonic", knot_scores=(0.2, 0.5, 0.9), knot_values=(0.1, 0.1, 0.7)),
    ],
)
def test_logits_that_saturate_a_softmax(calibration: Calibration) -> None:
    ends = torch.tensor([-200.0, -30.0, -17.0, 0.0, 17.0, 30.0, 200.0])
    logits = torch.stack([torch.zeros(7), ends], dim=1)
    found = CalibratedScorer(Fixed(logits), calibration)(torch.zeros(7, 3, 4, 4))
    expected = calibration.apply(logits.double().softmax(1).numpy())
    assert torch.isfinite(found.log()).all()
    assert np.allclose(found.numpy(), expected, atol=1e-5)


def test_knots_travel_with_the_weights() -> None:
    curve = Calibration("isotonic", knot_scores=(0.2, 0.9), knot_values=(0.1, 0.7))
    scorer = CalibratedScorer(network(2), curve)
    assert scorer.state_dict()["knot_values"].tolist() == [0.1, 0.7]
    assert scorer.state_dict()["knot_scores"].dtype == torch.float64
