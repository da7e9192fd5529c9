"""Formatting of numbers for readers without training in statistics."""

import math

import numpy as np
import pandas as pd

from idc.reports.run_input import Interval
from idc.text import count, metric_label


def of_hundred(share: float) -> str:
    """A share as a number out of a hundred; "all" and "none" only if it is exact."""
    if share in (0, 1):
        return "none" if share == 0 else "all"
    rounded = round(100 * share)
    if rounded in (0, 100):
        return "fewer than 1" if rounded == 0 else "more than 99"
    return str(rounded)


def hundred_interval(interval: Interval | None, level: str) -> str:
    """An interval of a share in hundredths, in brackets after a space; "" for None."""
    if interval is None:
        return ""
    low, high = (round(100 * end) for end in interval)
    return f" ({level} interval {low} to {high})"


def interval_text(interval: Interval | None, decimals: int = 3) -> str:
    """An interval for a table; a dash for None."""
    if interval is None or any(math.isnan(end) for end in interval):
        return "-"
    return f"{interval[0]:.{decimals}f} to {interval[1]:.{decimals}f}"


def number(value: float | None, decimals: int = 3) -> str:
    """A number for a table; a dash for None."""
    return "-" if value is None or math.isnan(value) else f"{value:.{decimals}f}"


def with_interval(value: float, low: float, high: float) -> str:
    """A number with its interval, if there is one: ``0.900 (0.85 to 0.93)``."""
    # A comparison with NaN is false.
    return number(value) + (f" ({interval_text((low, high), 2)})" if low <= high else "")


def duration(seconds: float) -> str:
    """A duration in a suitable unit."""
    if seconds < 1:
        return "less than a second"
    if seconds < 90:
        return count(round(seconds), "second")
    if seconds < 90 * 60:
        return count(round(seconds / 60), "minute")
    return f"{seconds / 3600:.1f} hours"


def metric_name(name: str, short: bool = False) -> str:
    """Display name of a metric: ``test/auroc`` is ``AUROC``; `short` omits the synonym."""
    label = metric_label(name)
    return "recall (sensitivity)" if label == "recall" and not short else label


def cell_text(value: object, decimals: int | None = None) -> str:
    """Format a table cell; a float without `decimals` has three significant digits."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if value is None or value is pd.NA:
        return "-"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        number = float(value)
        if np.isnan(number):
            return "-"
        if decimals is not None:
            return f"{number:,.{decimals}f}"
        # No exponents: 12,346, not 1.23e+04.
        return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"
    return str(value)


def numeric_columns(frame: pd.DataFrame) -> list[bool]:
    """Which columns of a table are numeric."""
    return [pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes]
