"""The tables of a sweep for its page."""

import pandas as pd

from idc.reports.formats import interval_text, metric_name, number, with_interval
from idc.reports.run_input import SweepReport
from idc.reports.sweep_facts import is_baseline, is_leaky


def board_table(report: SweepReport) -> pd.DataFrame:
    """The leaderboard for display: ``setting``, ``runs``, and one column per metric."""
    board = report.leaderboard
    baseline, leaky = is_baseline(board), is_leaky(board)
    names = board["setting"].astype(str)
    names = names.mask(baseline, "baseline: " + names.str.replace("_", " "))
    runs = board["runs"].astype("Int64").mask(baseline)  # baselines have no runs
    shown = pd.DataFrame({"setting": names.mask(leaky, names + " (leaky)"), "runs": runs})
    for metric in report.metrics:
        columns = [f"{metric}_{end}" for end in ("mean", "std", "low", "high")]
        values = board.reindex(columns=columns).astype(float)
        shown[metric_name(metric, short=True)] = [
            with_interval(mean, low, high)
            if low <= high
            else number(mean) + ("" if pd.isna(spread) else f" (± {spread:.3f})")
            for mean, spread, low, high in values.itertuples(index=False, name=None)
        ]
    return shown


def difference_table(report: SweepReport) -> pd.DataFrame:
    """The differences for display."""
    table = report.differences
    if table.empty:
        return table
    return pd.DataFrame(
        {
            "metric": [metric_name(str(m), short=True) for m in table["metric"]],
            "one": table["a"],
            "other": table["b"],
            "one minus other": [f"{value:+.3f}" for value in table["difference"]],
            "interval": list(map(interval_text, zip(table["low"], table["high"], strict=True))),
            "p": table["p_holm"].astype(float),
            "patients": table["patients"],
        }
    )


def pooled_table(report: SweepReport) -> pd.DataFrame:
    """One row per setting and repeat, one column per metric of the leaderboard (or all metrics)."""
    table = report.pooled
    if table.empty:
        return table
    bare = table["metric"].astype(str).str.rpartition("/")[2]
    on_board = bare.isin([metric.rpartition("/")[2] for metric in report.metrics])
    chosen = table[on_board] if on_board.any() else table
    values = chosen[["value", "low", "high"]].itertuples(index=False, name=None)
    keys = ["setting", "repeat"] if chosen["repeat"].astype(bool).any() else ["setting"]
    wide = (
        chosen[keys]
        .assign(
            cell=[with_interval(*row) for row in values],
            metric=[metric_name(str(m), short=True) for m in chosen["metric"]],
        )
        .pivot_table(index=keys, columns="metric", values="cell", aggfunc="first", sort=False)
    )
    return wide.fillna("-").reset_index().rename_axis(columns=None)


def pooled_list(report: SweepReport) -> pd.DataFrame:
    """All pooled metrics, one row per setting and metric."""
    table = report.pooled
    if table.empty:
        return table
    return pd.DataFrame(
        {
            "setting": table["setting"].astype(str),
            "repeat": table["repeat"].astype(str),
            "metric": [metric_name(str(m), short=True) for m in table["metric"]],
            "value": table["value"].astype(float),
            "interval": list(map(interval_text, zip(table["low"], table["high"], strict=True))),
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
