"""Calibration of probabilities: the methods, their fit to validation, and the fitted correction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from idc.errors import CheckpointError, ConfigError
from idc.metrics.calibration_fit import (
    fit_isotonic,
    fit_platt,
    fit_temperature,
    log_odds,
    log_probabilities,
)

METHODS = ("none", "temperature", "platt", "isotonic")
KNOTS = ("knot_scores", "knot_values")
TWO_CLASSES_ONLY = ("platt", "isotonic")


@dataclass(frozen=True)
class Calibration:
    """A fitted correction of probabilities; `CalibrationRule` describes the methods.

    Attributes:
        method: ``none``, ``temperature``, ``platt`` or ``isotonic``.
        temperature: For ``temperature``; above 0.
        slope: Of the log-odds, for ``platt``; above 0.
        intercept: Of the log-odds, for ``platt``.
        knot_scores: Scores at the knots of the ``isotonic`` curve, ascending.
        knot_values: Calibrated scores at the knots, non-decreasing, in (0, 1); linear in between.
        notes: Warnings to show wherever the calibrated scores are shown.
    """

    method: str = "none"
    temperature: float = 1.0
    slope: float = 1.0
    intercept: float = 0.0
    knot_scores: tuple[float, ...] = ()
    knot_values: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()

    def apply(
        self, probabilities: NDArray[np.floating], multi_label: bool = False
    ) -> NDArray[np.float64]:
        """Calibrate probabilities.

        Probabilities below 1e-12 count as 1e-12, so that a softmax of exactly 0 is harmless.

        Args:
            probabilities: float (N, k) in [0, 1]; each row sums to 1. A softmax in float64 is
                best: in float32 a score near 1 has lost its distance from 1.
            multi_label: Whether each column is a probability by itself, so that rows sum to
                anything.

        Returns:
            float64 (N, k), in which rows sum to what they must. With ``none``, the input.
        """
        if self.method == "none":
            return np.asarray(probabilities, np.float64)
        if multi_label:
            return self.apply(yes_or_no(probabilities))[:, 1].reshape(probabilities.shape)
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
        """Plain values for JSON or YAML: ``method``, its parameters, ``notes``."""
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
            CheckpointError: The values do not describe a calibration.
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
                f"calibration: the values saved with the run do not describe a calibration "
                f"({error!r}). Evaluate the run again to refit it."
            ) from error

    def describe(self) -> str:
        """Describe the correction in words."""
        if self.method == "temperature":
            kind = "overconfident" if self.temperature > 1.05 else "underconfident"
            kind = "well calibrated" if 0.95 <= self.temperature <= 1.05 else kind
            return f"temperature scaling with T = {self.temperature:.3g}: scores were {kind}"
        if self.method == "platt":
            return f"Platt scaling: log-odds times {self.slope:.3g} plus {self.intercept:.3g}"
        if self.method == "isotonic":
            return f"isotonic regression, a curve of {len(self.knot_scores)} knots"
        return "scores as the network gives them"


@dataclass(frozen=True)
class CalibrationRule:
    """How scores are calibrated on validation.

    Attributes:
        method: ``none``; ``temperature`` (softmax(log p / T), any number of classes, Guo et al.
            2017); ``platt`` (linear in the log-odds, two classes, Platt 1999); ``isotonic`` (any
            non-decreasing curve, two classes, Zadrozny & Elkan 2002).

    Raises:
        ConfigError: The method is unknown.
    """

    method: str = "temperature"

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"calibration.method={self.method}: choose {', '.join(METHODS)}.")

    def check(self, classes: int, multi_label: bool = False) -> None:
        """Check that the method can calibrate this number of classes.

        Raises:
            ConfigError: The method is for two classes only.
        """
        if self.method in TWO_CLASSES_ONLY and (classes != 2 or multi_label):
            have = "images with several labels" if multi_label else str(classes)
            raise ConfigError(
                f"calibration={self.method} requires two classes, but the data have {have}: use "
                f"calibration=temperature or calibration=none."
            )

    def fit(self, labels: NDArray[np.integer], probabilities: NDArray[np.floating]) -> Calibration:
        """Fit to validation predictions.

        Scores are left unchanged, with a note, if validation has only one class, or if the fit
        would reverse the order of the scores or make them all equal.

        Args:
            labels: int (N,), 0..k-1; of several labels (N, k), 0 or 1.
            probabilities: float (N, k) in [0, 1]; each row sums to 1, unless of several labels,
                which share one calibration.

        Returns:
            The calibration.

        Raises:
            ConfigError: The method is for two classes only, and k is not 2.
        """
        labels = np.asarray(labels)
        self.check(probabilities.shape[1], labels.ndim == 2)
        if labels.ndim == 2:
            return self.fit(labels.ravel(), yes_or_no(probabilities))
        if self.method == "none":
            return Calibration()
        if len(np.unique(labels)) < 2:
            return _unchanged("validation has only one class")
        if self.method == "temperature":
            temperature, notes = fit_temperature(labels, probabilities)
            return Calibration("temperature", temperature=temperature, notes=tuple(notes))
        if self.method == "platt":
            slope, intercept, notes = fit_platt(labels, probabilities)
            if slope <= 0:
                return _unchanged("validation scores do not increase with the positive class")
            return Calibration("platt", slope=slope, intercept=intercept, notes=tuple(notes))
        knots, values = fit_isotonic(labels, probabilities[:, 1])
        if values[0] == values[-1]:
            return _unchanged("validation scores do not increase with the positive class")
        return Calibration(
            "isotonic", knot_scores=tuple(knots.tolist()), knot_values=tuple(values.tolist())
        )


def yes_or_no(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """The probabilities of several labels, (N, k), each as one of two classes, (N * k, 2)."""
    yes = np.asarray(probabilities, np.float64).ravel()
    return np.stack([1 - yes, yes], axis=1)


def _unchanged(reason: str) -> Calibration:
    return Calibration(notes=(f"Scores are not calibrated: {reason}.",))
