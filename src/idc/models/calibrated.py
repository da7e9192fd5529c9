"""A network and the calibration of its scores as one module, for export."""

import math

import torch
from torch import Tensor, nn

from idc.metrics.calibration import Calibration
from idc.metrics.calibration_fit import EPSILON
from idc.models.network import Network


class CalibratedScorer(nn.Module):
    """Network whose output is calibrated probabilities, as those of `Calibration.apply`.

    Takes uint8 (N, 3, H, W) in 0..255, gives float32 (N, k) that sum to 1, unless an image may have
    several labels. ``torch.export`` turns it into a graph, with any number of patches per batch.

    Args:
        network: The trained network.
        calibration: Fitted to its probabilities.
    """

    knot_scores: Tensor
    knot_values: Tensor

    def __init__(self, network: Network, calibration: Calibration) -> None:
        super().__init__()
        self.network = network
        self.calibration = calibration
        for name in ("knot_scores", "knot_values"):
            values = torch.tensor(getattr(calibration, name), dtype=torch.float64)
            self.register_buffer(name, values)

    def forward(self, images: Tensor) -> Tensor:
        """Probabilities of the classes, float32 (N, k)."""
        logits: Tensor = self.network(images)
        # In float64: a steep slope would carry the rounding of float32 into the score.
        logits = logits.double()
        if self.network.multi_label:
            limit = -math.log(EPSILON)  # as `Calibration.apply` clips the probabilities
            return (logits.clamp(-limit, limit) / self.calibration.temperature).sigmoid().float()
        if self.calibration.method == "none":
            return logits.softmax(1).float()
        if self.calibration.method == "isotonic":
            return self._isotonic(logits.softmax(1)[:, 1].contiguous()).float()
        logs = logits.log_softmax(1).clamp(min=math.log(EPSILON))
        if self.calibration.method == "temperature":
            return (logs / self.calibration.temperature).softmax(1).float()
        z = self.calibration.slope * (logs[:, 1] - logs[:, 0]) + self.calibration.intercept
        return torch.stack([-z, z], dim=1).sigmoid().float()

    def _isotonic(self, score: Tensor) -> Tensor:
        """Straight lines between the knots, level outside them: (N,) to (N, 2)."""
        right = torch.bucketize(score, self.knot_scores, right=True)
        right = right.clamp(1, len(self.knot_scores) - 1)
        start, end = self.knot_scores[right - 1], self.knot_scores[right]
        share = ((score - start) / (end - start)).clamp(0, 1)
        value = torch.lerp(self.knot_values[right - 1], self.knot_values[right], share)
        return torch.stack([1 - value, value], dim=1)
