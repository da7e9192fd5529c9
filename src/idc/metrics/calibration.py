"""Scores that mean what they say: how that is learnt on validation, and how far it is so."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idc.errors import ConfigError
from idc.metrics.calibration_error import calibration_metrics
from idc.metrics.calibration_fit import fit_isotonic, fit_platt, fit_temperature
from idc.metrics.calibrator import Calibration

__all__ = ["Calibration", "CalibrationRule", "calibration_metrics"]

METHODS = ("none", "temperature", "platt", "isotonic")
TWO_CLASSES_ONLY = ("platt", "isotonic")


@dataclass(frozen=True)
class CalibrationRule:
    """How scores are calibrated on validation.

    Attributes:
        method: ``none``; ``temperature`` (softmax(log p / T), any number of classes, Guo et al.
            2017); ``platt`` (a straight line on the log-odds, two classes, Platt 1999);
            ``isotonic`` (any rising curve, two classes, Zadrozny & Elkan 2002).

    Raises:
        ConfigError: There is no such method.
    """

    method: str = "temperature"

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"calibration.method={self.method}: choose {', '.join(METHODS)}.")

    def check(self, classes: int) -> None:
        """Refuse a method that cannot calibrate so many classes.

        Raises:
            ConfigError: The method is for two classes only.
        """
        if self.method in TWO_CLASSES_ONLY and classes != 2:
            raise ConfigError(
                f"calibration={self.method} is for two classes, and the data has {classes}: use "
                f"calibration=temperature or none."
            )

    def fit(self, labels: NDArray[np.integer], probabilities: NDArray[np.floating]) -> Calibration:
        """Fit to validation.

        Scores are left alone, and the calibration's notes say so, where validation holds one class
        only, or where a fit would turn the scores' order round or make them all alike.

        Args:
            labels: int (N,), 0..k-1.
            probabilities: float (N, k) in [0, 1], a row summing to 1.

        Returns:
            The calibration.

        Raises:
            ConfigError: The method is for two classes only, and k is not 2.
        """
        labels = np.asarray(labels)
        self.check(probabilities.shape[1])
        if self.method == "none":
            return Calibration()
        if len(np.unique(labels)) < 2:
            return _left_alone("validation holds one class only")
        if self.method == "temperature":
            temperature, notes = fit_temperature(labels, probabilities)
            return Calibration("temperature", temperature=temperature, notes=tuple(notes))
        if self.method == "platt":
            slope, intercept, notes = fit_platt(labels, probabilities)
            if slope <= 0:
                return _left_alone("higher validation scores do not go with the positive class")
            return Calibration("platt", slope=slope, intercept=intercept, notes=tuple(notes))
        knots, values = fit_isotonic(labels, probabilities[:, 1])
        if values[0] == values[-1]:
            return _left_alone("higher validation scores do not go with the positive class")
        return Calibration(
            "isotonic", knot_scores=tuple(knots.tolist()), knot_values=tuple(values.tolist())
        )


def _left_alone(reason: str) -> Calibration:
    return Calibration(notes=(f"Scores are not calibrated: {reason}.",))
