"""Learning curves: metrics of a setting against the size of its training split."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from idc.comparison.leaderboard import WHOLE
from idc.comparison.runs import SPLIT, FinishedRun

SIZES = ("split.train_fraction", "split.train_patients", "split.train_patches")
METRICS = ("f1", "recall", "auroc")


def size_table(runs: Sequence[FinishedRun], pooled: pd.DataFrame) -> pd.DataFrame:
    """Tabulate metrics against the size of the training split, for runs in which it varies.

    Args:
        runs: Finished runs.
        pooled: See `idc.comparison.pooling.pool_numbers`.

    Returns:
        One row per setting, size and metric: ``setting`` (without the size), ``patients`` and
        ``patches`` (of the training split, means over the runs), ``metric``, ``mean``, ``std``
        (over repeats, NaN for one), ``low``, ``high`` (the interval of a single repeat, else NaN),
        ``values`` (list), ``n``; empty if no size varies.
    """
    if not any(key in run.settings for run in runs for key in SIZES) or pooled.empty:
        return pd.DataFrame()
    rows = []
    for setting in dict.fromkeys(run.setting for run in runs):
        of_setting = [run for run in runs if run.setting == setting]
        counts = np.array([count for run in of_setting if (count := _training_size(run))])
        if not len(counts):
            continue
        kept = [part for part in setting.split(", ") if part.partition("=")[0] not in SIZES]
        patients, patches = counts.mean(axis=0)
        for metric in METRICS:
            estimates = pooled[(pooled["setting"] == setting) & (pooled["metric"] == metric)]
            values = estimates["value"].to_numpy(np.float64)
            if not len(values):
                continue
            rows.append(
                {
                    "setting": ", ".join(kept) or WHOLE,
                    "patients": patients,
                    "patches": patches,
                    "metric": metric,
                    "mean": values.mean(),
                    "std": values.std(ddof=1) if len(values) > 1 else np.nan,
                    # An interval belongs to one set of predictions, not to a mean of several.
                    "low": estimates["low"].iloc[0] if len(values) == 1 else np.nan,
                    "high": estimates["high"].iloc[0] if len(values) == 1 else np.nan,
                    "values": values.tolist(),
                    "n": len(values),
                }
            )
    return pd.DataFrame(rows)


def _training_size(run: FinishedRun) -> tuple[int, int] | None:
    split = run.read(SPLIT)
    if split is None:
        return None
    train = split[split["split"] == "train"]
    return train["patient"].nunique(), len(train)
