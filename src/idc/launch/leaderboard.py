"""A sweep's runs as one table: mean and spread of every setting over seeds and folds."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from idc.engine.outcome import Outcome

# Repetitions of one setting, not settings: what is averaged over.
REPEATS = ("seed", "split.seed", "split.fold", "data.seed")
METRICS = ("test/f1", "test/recall", "test/balanced_accuracy", "test/auroc")


def setting_of(outcome: Outcome) -> str:
    """The run's setting without its repetitions; ``all runs`` if nothing else varies."""
    kept = [f"{k}={v}" for k, v in outcome.settings.items() if k not in REPEATS]
    return ", ".join(kept) or "all runs"


def leaderboard(outcomes: Sequence[Outcome], metrics: Sequence[str] = METRICS) -> pd.DataFrame:
    """Summarise finished runs.

    Args:
        outcomes: Runs; those that did not finish are left out.
        metrics: Names of metrics; the first decides the order.

    Returns:
        A row a setting, best first: ``setting``, ``runs`` (int), and for each metric
        ``<metric>_mean``, ``<metric>_std`` (sample deviation; NaN for one run) and
        ``<metric>_values`` (list of float).
    """
    finished = [o for o in outcomes if o.status == "FINISHED"]
    rows = []
    for setting in dict.fromkeys(map(setting_of, finished)):
        runs = [o for o in finished if setting_of(o) == setting]
        row: dict[str, object] = {"setting": setting, "runs": len(runs)}
        for metric in metrics:
            values = [o.metrics.get(metric, np.nan) for o in runs]
            known = np.array([v for v in values if np.isfinite(v)])
            row[f"{metric}_mean"] = known.mean() if len(known) else np.nan
            row[f"{metric}_std"] = known.std(ddof=1) if len(known) > 1 else np.nan
            row[f"{metric}_values"] = known.tolist()
        rows.append(row)
    if not rows:
        return pd.DataFrame()
    return pd.DataFrame(rows).sort_values(
        f"{metrics[0]}_mean", ascending=False, ignore_index=True, kind="stable"
    )
