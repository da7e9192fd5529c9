"""A correction of probabilities: what a fit to validation found, applied everywhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from idc.errors import CheckpointError
from idc.metrics.calibration_fit import log_odds, log_probabilities

KNOTS = ("knot_scores", "knot_values")


@dataclass(frozen=True)
class Calibration:
    """A correction of probabilities.

    What the methods are is said in `idc.metrics.calibration.CalibrationRule`.

    Attributes:
        method: ``none``, ``temperature``, ``platt`` or ``isotonic``.
        temperature: For ``temperature``; above 0.
        slope: Of the log-odds, for ``platt``; above 0.
        intercept: Of the log-odds, for ``platt``.
        knot_scores: Scores at which the curve of ``isotonic`` is known, rising.
        knot_values: What they become, never falling, in (0, 1); straight lines in between.
        notes: Sentences that the calibrated scores must not be read without.
    """

    method: str = "none"
    temperature: float = 1.0
    slope: float = 1.0
    intercept: float = 0.0
    knot_scores: tuple[float, ...] = ()
    knot_values: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()

    def apply(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """Calibrate.

        Probabilities below 1e-12 count as 1e-12, so that a softmax of exactly 0 does no harm.

        Args:
            probabilities: float (N, k) in [0, 1], a row summing to 1. Those of a softmax in
                float64 are best: in float32 a score near 1 has lost its distance from it.

        Returns:
            float64 (N, k), a row summing to 1; with ``none``, those given.
        """
        if self.method == "none":
            return np.asarray(probabilities, np.float64)
        if self.method == "temperature":
            tempered: NDArray[np.float64] = softmax(
                log_probabilities(probabilities) / self.temperature, axis=1
            )
            return tempered
        if self.method == "platt":
            z = self.slope * log_odds(probabilities) + self.intercept
            return np.stack([expit(-z), expit(z)], axis=1)
        score = np.interp(probabilities[:, 1], self.knot_scores, self.knot_values)
        return np.stack([1 - score, score], axis=1)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON or YAML: ``method``, its own numbers, ``notes``."""
        numbers: dict[str, dict[str, Any]] = {
            "none": {},
            "temperature": {"temperature": self.temperature},
            "platt": {"slope": self.slope, "intercept": self.intercept},
            "isotonic": {
                "knot_scores": list(self.knot_scores),
                "knot_values": list(self.knot_values),
            },
        }
        return {"method": self.method, **numbers[self.method], "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Calibration":
        """The inverse of `to_dict`.

        Raises:
            CheckpointError: These are not the numbers of a calibration.
        """
        try:
            method = values["method"]
            names = [name for name in cls(method).to_dict() if name != "notes"]
            numbers: dict[str, Any] = {
                name: tuple(map(float, values[name])) if name in KNOTS else float(values[name])
                for name in names
                if name != "method"
            }
            return cls(method, notes=tuple(values.get("notes", ())), **numbers)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"calibration: what was saved with the run does not describe one ({error!r}); "
                f"evaluate the run again to fit it anew."
            ) from error

    def describe(self) -> str:
        """The correction in words."""
        if self.method == "temperature":
            kind = "too sure" if self.temperature > 1.05 else "too timid"
            kind = "about right" if 0.95 <= self.temperature <= 1.05 else kind
            return f"temperature scaling with T = {self.temperature:.3g}: scores were {kind}"
        if self.method == "platt":
            return f"Platt scaling: log-odds times {self.slope:.3g} plus {self.intercept:.3g}"
        if self.method == "isotonic":
            return f"isotonic regression, a curve of {len(self.knot_scores)} knots"
        return "scores as the network gives them"
