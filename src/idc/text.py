"""Formatting of numbers, metric names and lists in figures and sentences."""

import math
from collections.abc import Sequence

NAMES = {
    "f1": "F1",
    "auroc": "AUROC",
    "brier": "Brier score",
    "ece": "calibration error",
    "mcc": "MCC",
    "npv": "NPV",
    "ppv": "PPV",
}
LOWER_IS_BETTER = ("loss", "log_loss", "brier", "ece", "error")
MOST_DECIMALS = 4


def metric_label(metric: str) -> str:
    """Name of a metric in words: ``test/balanced_accuracy`` is "balanced accuracy", ``f1`` is "F1".

    A threshold follows ``_at_``: ``f1_at_0.5`` is "F1 at 0.5".
    """
    name, _, threshold = metric.rpartition("/")[2].partition("_at_")
    words = NAMES.get(name, name.replace("_", " "))
    return f"{words} at {threshold}" if threshold else words


def lower_is_better(metric: str) -> bool:
    """Whether lower values of a metric are better: losses and errors."""
    name = metric.rpartition("/")[2].partition("_at_")[0]
    return name in LOWER_IS_BETTER or name.endswith(("_loss", "_error"))


def fixed(value: float, decimals: int) -> str:
    """Format a number with fixed decimals, without a negative zero; "unknown" for NaN."""
    if not math.isfinite(value):
        return "unknown"
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text


def format_p(p: float, level: float = 0.05) -> str:
    """Format a p-value: "p = 0.61", "p = 0.003", "p < 0.001".

    With more digits if rounding would put it at, or on the other side of, `level`.
    """
    if not math.isfinite(p):
        return "p unknown"
    if p < 0.001:
        return "p < 0.001"
    for decimals in range(2 if p >= 0.1 else 3, 9):
        text = f"{p:.{decimals}f}"
        if _side(float(text), level) == _side(p, level):
            break
    return f"p = {'1' if float(text) == 1 else text}"


def _side(value: float, level: float) -> int:
    return (value > level) - (value < level)


def decimals_for(low: float, high: float) -> int:
    """Decimals, 2 to 4, for an interval: two digits of its width, and no bound rounded to 0.

    The bounds are NaN without an interval.
    """
    width = high - low
    if not math.isfinite(width) or width <= 0:
        return 2
    decimals = 1 + math.ceil(-math.log10(width))
    smallest = min(abs(bound) for bound in (low, high) if bound) if (low or high) else width
    return min(MOST_DECIMALS, max(2, decimals, math.ceil(-math.log10(2 * smallest))))


def per_cent(share: float, decimals: int | None = None) -> str:
    """Format a share as per cent: "95 %", or "99.5 %" with all its decimals."""
    return f"{100 * share:g} %" if decimals is None else f"{100 * share:.{decimals}f} %"


def count(number: int, one: str, many: str = "") -> str:
    """Format a number with its noun: "1 patient", "1,204 patches"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listing(names: Sequence[str], limit: int = 5) -> str:
    """Join names, the first few of many: "a, b and 3 more"."""
    comma = "; " if any(", " in name for name in names) else ", "
    if len(names) > limit:
        return f"{comma.join(names[:limit])} and {len(names) - limit:,} more"
    return " and ".join([comma.join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def value_label(folds: bool, repeats: bool) -> str:
    """Describe the value of a setting, such as "pooled over folds, mean over repeats"."""
    parts = ["pooled over folds"] * folds + ["mean over repeats"] * repeats
    return ", ".join(parts) or "of one run"
