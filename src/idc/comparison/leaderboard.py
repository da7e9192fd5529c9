"""Settings and baselines as one table, best first."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from idc.comparison.contestant import Contestant
from idc.comparison.significance import BOARD, Comparison
from idc.runtime.outcome import Outcome

# Keys that distinguish repeats of a setting, which are averaged over.
REPEATS = ("seed", "split.seed", "split.fold", "data.seed")
METRICS = tuple(f"test/{name}" for name in BOARD)
RUN = "run"  # key of the name of a run without a sweep
WHOLE = "this setting"  # name of the setting of a sweep that varies only repeats


def setting_of(settings: Mapping[str, str]) -> str:
    """Join the swept values that do not distinguish repeats; ``this setting`` if there are none."""
    kept = [v if k == RUN else f"{k}={v}" for k, v in settings.items() if k not in REPEATS]
    return ", ".join(kept) or WHOLE


def leaderboard(
    outcomes: Sequence[Outcome],
    metrics: Sequence[str] = METRICS,
    comparison: Comparison | None = None,
    baselines: Sequence[Contestant] = (),
    pooled: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Rank the settings of finished runs.

    Args:
        outcomes: Outcomes of runs; unfinished ones are left out.
        metrics: Names of metrics; the first determines the order.
        comparison: Values pooled over folds, with intervals.
        baselines: Appended below, with values from the comparison.
        pooled: For settings that were not compared, see
            `idc.comparison.pooling.pool_numbers`.

    Returns:
        One row per setting, best first, then the baselines: ``setting``, ``runs`` (int), ``kind``
        (``run`` or ``baseline``), ``leaky`` (bool), and for each metric ``<metric>_mean`` (of the
        repeats, each pooled over its folds), ``<metric>_std`` (sample standard deviation over the
        runs; NaN for one), ``<metric>_low`` and ``_high`` (interval, or NaN) and
        ``<metric>_values`` (list of float, of the single runs).
    """
    finished = [o for o in outcomes if o.status == "FINISHED"]
    measured = _from_pooled(pooled) | ({} if comparison is None else _from_comparison(comparison))
    rows = []
    for setting in dict.fromkeys(setting_of(o.settings) for o in finished):
        runs = [o for o in finished if setting_of(o.settings) == setting]
        row: dict[str, object] = {
            "setting": setting,
            "runs": len(runs),
            "kind": "run",
            "leaky": any(o.leaky for o in runs),
        }
        for metric in metrics:
            values = [o.metrics.get(metric, np.nan) for o in runs]
            finite = np.array([v for v in values if np.isfinite(v)])
            mean = finite.mean() if len(finite) else np.nan
            row |= _cells(metric, measured.get((setting, metric), (mean, np.nan, np.nan)), finite)
        rows.append(row)
    rows.sort(key=lambda row: -np.nan_to_num(float(str(row[f"{metrics[0]}_mean"])), nan=-1.0))
    for baseline in baselines:
        row = {"setting": baseline.name, "runs": 0, "kind": "baseline", "leaky": baseline.leaky}
        for metric in metrics:
            estimate = measured.get((baseline.name, metric), (np.nan, np.nan, np.nan))
            row |= _cells(metric, estimate, np.array([]))
        rows.append(row)
    return pd.DataFrame(rows)


def _from_comparison(comparison: Comparison) -> dict[tuple[str, str], tuple[float, float, float]]:
    rows = comparison.estimates[["name", "metric", "value", "low", "high"]]
    return {
        (str(name), f"test/{metric}"): (value, low, high)
        for name, metric, value, low, high in rows.itertuples(index=False)
    }


def _from_pooled(pooled: pd.DataFrame | None) -> dict[tuple[str, str], tuple[float, float, float]]:
    """Mean over repeats, with the interval of a single repeat."""
    if pooled is None or pooled.empty:
        return {}
    estimates = {}
    for (setting, metric), rows in pooled.groupby(["setting", "metric"]):
        single = rows.iloc[0] if len(rows) == 1 else {"low": np.nan, "high": np.nan}
        low, high = (
            np.nan if single[end] is None else float(single[end]) for end in ("low", "high")
        )
        estimates[str(setting), f"test/{metric}"] = (float(rows["value"].mean()), low, high)
    return estimates


def _cells(
    metric: str, estimate: tuple[float, float, float], values: np.ndarray
) -> dict[str, object]:
    mean, low, high = estimate
    return {
        f"{metric}_mean": mean,
        f"{metric}_std": values.std(ddof=1) if len(values) > 1 else np.nan,
        f"{metric}_low": low,
        f"{metric}_high": high,
        f"{metric}_values": values.tolist(),
    }
