"""Fitting a calibration to validation: labels and probabilities in, a few numbers out."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax
from sklearn.isotonic import IsotonicRegression

EPSILON = 1e-12  # probabilities are kept above it before a logarithm
LIMIT = 20.0  # a network is too sure, or too timid, by this factor at the most
SHARPEST = (
    "Calibration stopped at its limit, {}: validation scores part the classes so well that ever "
    "sharper ones look better."
)


def log_probabilities(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logarithms of probabilities, of which those below 1e-12 (a softmax of 0) are lifted to it.

    Args:
        probabilities: float (N, k) in [0, 1].

    Returns:
        float64 (N, k), in [-27.7, 0].
    """
    return np.log(np.maximum(np.asarray(probabilities, np.float64), EPSILON))


def log_odds(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log-odds of class 1 of 2, from both columns: 1 - p would lose a p that rounds to 1.

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
    """The temperature T of softmax(log p / T) with the lowest log loss (Guo et al. 2017).

    T lies in [0.05, 20]. It is no lower than leaves every validation log-odds within those of
    1e-12: where scores part the classes in full log loss falls without end, and all scores would
    round to 0 and 1.

    Args:
        labels: int (N,), 0..k-1, of two classes or more.
        probabilities: float (N, k).

    Returns:
        T, and what is to be said about it.
    """
    logs, rows = log_probabilities(probabilities), np.arange(len(labels))
    low, high = 1 / _steepest(logs), LIMIT

    def loss(temperature: float) -> float:
        return float(-log_softmax(logs / temperature, axis=1)[rows, labels].mean())

    found = minimize_scalar(
        lambda x: loss(np.exp(x)),
        bounds=(np.log(low), np.log(high)),
        method="bounded",
        options={"xatol": 1e-7},
    )
    # The search never looks at its ends. 1 comes first: where no T is better, scores stay.
    best = min((1.0, float(np.exp(found.x)), low, high), key=loss)
    notes = [SHARPEST.format(f"T = {low:.3g}")] if best == low < 1 else []
    if best == high:
        notes.append(
            f"Calibration stopped at its limit, T = {high:g}: validation scores say next to "
            f"nothing about the labels."
        )
    return best, notes


def fit_platt(
    labels: NDArray[np.integer], probabilities: NDArray[np.floating]
) -> tuple[float, float, list[str]]:
    """Slope and intercept of the log-odds with the lowest log loss (Platt 1999).

    An unpenalised logistic regression. The slope is bounded as the temperature of
    `fit_temperature` is, and by 0. The search starts at slope 1 and intercept 0, so that it cannot
    end worse than without calibration.

    Args:
        labels: int (N,), 0 or 1, both present.
        probabilities: float (N, 2).

    Returns:
        Slope, 0 if a rising curve cannot help, intercept, and what is to be said about them.
    """
    odds, target = log_odds(probabilities), np.asarray(labels, np.float64)
    steepest = _steepest(log_probabilities(probabilities))

    def loss(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = x[0] * odds + x[1]
        error = expit(z) - target
        value = float((np.logaddexp(0, z) - target * z).mean())
        return value, np.array([(error * odds).mean(), error.mean()])

    found = minimize(
        loss,
        np.array([1.0, 0.0]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, steepest), (None, None)],
        options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 1000},
    )
    slope, intercept = (float(x) for x in found.x)
    notes = [SHARPEST.format(f"a slope of {steepest:.3g}")] if slope == steepest > 1 else []
    return slope, intercept, notes


def _steepest(logs: NDArray[np.float64]) -> float:
    """The largest factor of log-odds that keeps them within those of 1e-12; in [1, 20]."""
    widest = float((logs.max(axis=1) - logs.min(axis=1)).max())
    return min(LIMIT, max(1.0, -float(np.log(EPSILON)) / max(widest, EPSILON)))


def fit_isotonic(
    labels: NDArray[np.integer], scores: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The rising curve with the lowest squared error, which is that with the lowest log loss too.

    Zadrozny & Elkan 2002. Its values are kept in [1 / (N + 2), 1 - 1 / (N + 2)], which is what
    Laplace's rule of succession leaves at the most after N patches of one class: no score says
    never or always, and log loss stays finite.

    Args:
        labels: int (N,), 0 or 1.
        scores: Probability of class 1, float (N,).

    Returns:
        Knots: scores, rising, and values, never falling; each float64 (M,).
    """
    model = IsotonicRegression(out_of_bounds="clip")
    model.fit(np.asarray(scores, np.float64), np.asarray(labels, np.float64))
    least = 1 / (len(labels) + 2)
    values = np.clip(model.y_thresholds_, least, 1 - least)
    return np.asarray(model.X_thresholds_, np.float64), np.asarray(values, np.float64)
