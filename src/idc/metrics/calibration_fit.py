"""Fits of the calibration methods to validation labels and probabilities."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax
from sklearn.isotonic import IsotonicRegression

EPSILON = 1e-12  # lower bound of a probability before its logarithm
LIMIT = 20.0  # largest factor by which log-odds are sharpened or flattened
AT_LIMIT = (
    "Calibration stopped at its limit, {}: the validation scores separate the classes so well that "
    "ever sharper scores reduce the loss."
)


def log_probabilities(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logarithms of probabilities, clipped at 1e-12 from below (a softmax may be 0).

    Args:
        probabilities: float (N, k) in [0, 1].

    Returns:
        float64 (N, k), in [-27.7, 0].
    """
    return np.log(np.maximum(np.asarray(probabilities, np.float64), EPSILON))


def log_odds(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log-odds of class 1 of 2, from both columns: 1 - p is inexact for p near 1.

    Args:
        probabilities: float (N, 2).

    Returns:
        float64 (N,).
    """
    logs = log_probabilities(probabilities)
    difference: NDArray[np.float64] = logs[:, 1] - logs[:, 0]
    return difference


def fit_temperature(
    labels: NDArray[np.integer], probabilities: NDArray[np.floating]
) -> tuple[float, list[str]]:
    """Fit the temperature T of softmax(log p / T) by log loss (Guo et al. 2017).

    T lies in [0.05, 20], and is not so low that a validation log-odds would exceed that of 1e-12:
    if the scores separate the classes perfectly the log loss decreases without bound, and all
    scores would round to 0 and 1.

    Args:
        labels: int (N,), 0..k-1, of two classes or more.
        probabilities: float (N, k).

    Returns:
        T, and notes about the fit.
    """
    logs, rows = log_probabilities(probabilities), np.arange(len(labels))
    low, high = 1 / _largest_factor(logs), LIMIT

    def loss(temperature: float) -> float:
        return float(-log_softmax(logs / temperature, axis=1)[rows, labels].mean())

    optimum = minimize_scalar(
        lambda x: loss(np.exp(x)),
        bounds=(np.log(low), np.log(high)),
        method="bounded",
        options={"xatol": 1e-7},
    )
    # The search never evaluates its bounds. 1 comes first: without a better T, scores stay.
    best = min((1.0, float(np.exp(optimum.x)), low, high), key=loss)
    notes = [AT_LIMIT.format(f"T = {low:.3g}")] if best == low < 1 else []
    if best == high:
        notes.append(
            f"Calibration stopped at its limit, T = {high:g}: the validation scores carry almost "
            f"no information about the labels."
        )
    return best, notes


def fit_platt(
    labels: NDArray[np.integer], probabilities: NDArray[np.floating]
) -> tuple[float, float, list[str]]:
    """Fit slope and intercept of the log-odds by log loss (Platt 1999).

    An unpenalised logistic regression. The slope is bounded as the temperature in
    `fit_temperature`, and by 0. The search starts at slope 1 and intercept 0, so that the result
    is never worse than no calibration.

    Args:
        labels: int (N,), 0 or 1, both present.
        probabilities: float (N, 2).

    Returns:
        Slope (0 if no increasing curve reduces the loss), intercept, and notes about the fit.
    """
    odds, target = log_odds(probabilities), np.asarray(labels, np.float64)
    largest = _largest_factor(log_probabilities(probabilities))

    def loss(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = x[0] * odds + x[1]
        error = expit(z) - target
        value = float((np.logaddexp(0, z) - target * z).mean())
        return value, np.array([(error * odds).mean(), error.mean()])

    optimum = minimize(
        loss,
        np.array([1.0, 0.0]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, largest), (None, None)],
        options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 1000},
    )
    slope, intercept = (float(x) for x in optimum.x)
    notes = [AT_LIMIT.format(f"a slope of {largest:.3g}")] if slope == largest > 1 else []
    return slope, intercept, notes


def _largest_factor(logs: NDArray[np.float64]) -> float:
    """Largest factor, in [1, 20], that keeps all log-odds within that of 1e-12."""
    widest = float((logs.max(axis=1) - logs.min(axis=1)).max())
    return min(LIMIT, max(1.0, -float(np.log(EPSILON)) / max(widest, EPSILON)))


def fit_isotonic(
    labels: NDArray[np.integer], scores: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit the non-decreasing curve with the lowest squared error, and with the lowest log loss.

    Zadrozny & Elkan 2002. Values are clipped to [1 / (N + 2), 1 - 1 / (N + 2)], the extremes of
    Laplace's rule of succession after N patches of one class: no score is exactly 0 or 1, and the
    log loss stays finite.

    Args:
        labels: int (N,), 0 or 1.
        scores: Probability of class 1, float (N,).

    Returns:
        Scores (ascending) and values (non-decreasing) at the knots, each float64 (M,).
    """
    model = IsotonicRegression(out_of_bounds="clip")
    model.fit(np.asarray(scores, np.float64), np.asarray(labels, np.float64))
    lowest = 1 / (len(labels) + 2)
    values = np.clip(model.y_thresholds_, lowest, 1 - lowest)
    return np.asarray(model.X_thresholds_, np.float64), np.asarray(values, np.float64)
