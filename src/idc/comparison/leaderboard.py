"""Settings and baselines as one table, best first."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from idc.comparison.contestant import Contestant
from idc.comparison.significance import Comparison
from idc.runtime.outcome import Outcome

# Repetitions of one setting, not settings: what is averaged over.
REPEATS = ("seed", "split.seed", "split.fold", "data.seed")
METRICS = ("test/f1", "test/recall", "test/balanced_accuracy", "test/auroc")
RUN = "run"  # stands for the settings of a run of no sweep: its name
WHOLE = "this setting"  # the setting of a sweep in which nothing else varies


def setting_of(settings: Mapping[str, str]) -> str:
    """Swept values without repetitions; ``this setting`` if nothing else varies."""
    kept = [v if k == RUN else f"{k}={v}" for k, v in settings.items() if k not in REPEATS]
    return ", ".join(kept) or WHOLE


def leaderboard(
    outcomes: Sequence[Outcome],
    metrics: Sequence[str] = METRICS,
    comparison: Comparison | None = None,
    baselines: Sequence[Contestant] = (),
    pooled: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Summarise finished runs.

    Args:
        outcomes: Runs; those that did not finish are left out.
        metrics: Names of metrics; the first decides the order.
        comparison: Values pooled over folds, with intervals.
        baselines: Added below, from the comparison.
        pooled: See `idc.comparison.pooling.pool_numbers`: for settings that were not compared.

    Returns:
        A row a setting, best first, then the baselines: ``setting``, ``runs`` (int), ``kind``
        (``run`` or ``baseline``), ``leaky`` (bool), and for each metric ``<metric>_mean`` (of the
        repeats, each pooled over its folds), ``<metric>_std`` (sample deviation
        over the runs; NaN for one), ``<metric>_low`` and ``_high`` (interval, or NaN) and
        ``<metric>_values`` (list of float, of the single runs).
    """
    finished = [o for o in outcomes if o.status == "FINISHED"]
    measured = _of_table(pooled) | ({} if comparison is None else _pooled(comparison))
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
            known = np.array([v for v in values if np.isfinite(v)])
            mean = known.mean() if len(known) else np.nan
            row |= _cells(metric, measured.get((setting, metric), (mean, np.nan, np.nan)), known)
        rows.append(row)
    rows.sort(key=lambda row: -np.nan_to_num(float(str(row[f"{metrics[0]}_mean"])), nan=-1.0))
    for one in baselines:
        row = {"setting": one.name, "runs": 0, "kind": "baseline", "leaky": one.leaky}
        for metric in metrics:
            found = measured.get((one.name, metric), (np.nan, np.nan, np.nan))
            row |= _cells(metric, found, np.array([]))
        rows.append(row)
    return pd.DataFrame(rows)


def _pooled(comparison: Comparison) -> dict[tuple[str, str], tuple[float, float, float]]:
    rows = comparison.estimates[["name", "metric", "value", "low", "high"]]
    return {
        (str(name), f"test/{metric}"): (value, low, high)
        for name, metric, value, low, high in rows.itertuples(index=False)
    }


def _of_table(pooled: pd.DataFrame | None) -> dict[tuple[str, str], tuple[float, float, float]]:
    """Mean over repeats; an interval of a single one only."""
    if pooled is None or pooled.empty:
        return {}
    found = {}
    for (setting, metric), rows in pooled.groupby(["setting", "metric"]):
        alone = rows.iloc[0] if len(rows) == 1 else {"low": np.nan, "high": np.nan}
        low, high = (np.nan if alone[end] is None else float(alone[end]) for end in ("low", "high"))
        found[str(setting), f"test/{metric}"] = (float(rows["value"].mean()), low, high)
    return found


def _cells(metric: str, found: tuple[float, float, float], known: np.ndarray) -> dict[str, object]:
    mean, low, high = found
    return {
        f"{metric}_mean": mean,
        f"{metric}_std": known.std(ddof=1) if len(known) > 1 else np.nan,
        f"{metric}_low": low,
        f"{metric}_high": high,
        f"{metric}_values": known.tolist(),
    }
