"""The tables of a sweep for its page."""

from collections.abc import Sequence

import pandas as pd

from idc.reports.formats import interval_text, metric_name, number
from idc.reports.run_input import SweepReport

BASELINE = "baseline"


def is_baseline(board: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows of a leaderboard are baselines."""
    if "kind" not in board:
        return pd.Series(False, index=board.index)
    return board["kind"].astype(str) == BASELINE


def is_leaky(board: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows of a leaderboard may have seen their test patients."""
    if "leaky" not in board:
        return pd.Series(False, index=board.index)
    return board["leaky"].astype("boolean").fillna(False).astype(bool)


def board_table(report: SweepReport) -> pd.DataFrame:
    """The leaderboard for display: ``setting``, ``runs``, and one column per metric."""
    board = report.leaderboard
    shown: dict[str, Sequence[object]] = {
        "setting": [
            (f"baseline: {str(name).replace('_', ' ')}" if base else str(name))
            + (" (leaky)" if leaky else "")
            for name, base, leaky in zip(
                board["setting"], is_baseline(board), is_leaky(board), strict=True
            )
        ],
        # Baselines have no runs.
        "runs": board["runs"].astype("Int64").mask(is_baseline(board)).tolist(),
    }
    for metric in report.metrics:
        rows = board.to_dict("records")
        shown[metric_name(metric, short=True)] = [_cell(row, metric) for row in rows]
    return pd.DataFrame(shown).astype({"runs": "Int64"})


def _cell(row: "dict[object, object]", metric: str) -> str:
    mean, spread, low, high = (
        float(str(value)) if (value := row.get(f"{metric}_{end}")) is not None else float("nan")
        for end in ("mean", "std", "low", "high")
    )
    if low <= high:  # neither is NaN
        return f"{number(mean)} ({interval_text((low, high), 2)})"
    return number(mean) if spread != spread else f"{number(mean)} (± {spread:.3f})"


def difference_table(report: SweepReport) -> pd.DataFrame:
    """The differences for display."""
    table = report.differences
    if table.empty:
        return table
    bounds = zip(table["low"], table["high"], strict=True)
    shown = pd.DataFrame(
        {
            "metric": [metric_name(str(m), short=True) for m in table["metric"]],
            "one": table["a"].astype(str).tolist(),
            "other": table["b"].astype(str).tolist(),
            "one minus other": [f"{value:+.3f}" for value in table["difference"]],
            "interval": [interval_text(pair) for pair in bounds],
            "p": table["p_holm"].astype(float).tolist(),
        }
    )
    return shown.assign(patients=table["patients"].tolist())


def pooled_table(report: SweepReport) -> pd.DataFrame:
    """One row per setting and repeat, one column per metric of the leaderboard (or all metrics)."""
    table = report.pooled
    if table.empty:
        return table
    bare = table["metric"].astype(str).str.rpartition("/")[2]
    on_board = bare.isin([metric.rpartition("/")[2] for metric in report.metrics])
    chosen = table[on_board] if on_board.any() else table
    bounds = zip(chosen["value"], chosen["low"], chosen["high"], strict=True)
    cells = [
        f"{number(value)} ({interval_text((low, high), 2)})" if low <= high else number(value)
        for value, low, high in bounds
    ]
    names = [metric_name(str(m), short=True) for m in chosen["metric"]]
    keys = ["setting", "repeat"] if chosen["repeat"].astype(bool).any() else ["setting"]
    wide = (
        chosen[keys]
        .assign(cell=cells, metric=names)
        .pivot_table(index=keys, columns="metric", values="cell", aggfunc="first", sort=False)
    )
    return wide.fillna("-").reset_index().rename_axis(columns=None)


def pooled_list(report: SweepReport) -> pd.DataFrame:
    """All pooled metrics, one row per setting and metric."""
    table = report.pooled
    if table.empty:
        return table
    bounds = zip(table["low"], table["high"], strict=True)
    return pd.DataFrame(
        {
            "setting": table["setting"].astype(str).tolist(),
            "repeat": table["repeat"].astype(str).tolist(),
            "metric": [metric_name(str(m), short=True) for m in table["metric"]],
            "value": table["value"].astype(float).tolist(),
            "interval": [interval_text(pair) for pair in bounds],
        }
    )


def patient_by_setting(report: SweepReport) -> pd.DataFrame:
    """``patient`` and its recall for each setting (mean over repeats), the lowest first."""
    columns = {
        setting: table.groupby("patient")["recall"].mean()
        for setting, table in report.per_patient.items()
        if {"patient", "recall"} <= set(table.columns) and len(table)
    }
    if not columns:
        return pd.DataFrame()
    wide = pd.DataFrame(columns)
    wide = wide.loc[wide.mean(axis=1).sort_values(kind="stable").index]
    return wide.rename_axis("patient").reset_index()
