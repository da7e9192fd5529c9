"""The sentences about a sweep, what they rest on, and its tables."""

from typing import Any

import pandas as pd

from idc.reports.formats import interval_text, metric_name, number, with_interval
from idc.reports.run_input import SweepReport
from idc.reports.templating import Sentences

BASELINE = "baseline"
Row = dict[str, Any]


def sweep_sentences(report: SweepReport) -> Sentences:
    """The sentences of ``sweep_sentences.j2``: ``lead`` and ``warnings``."""
    board = report.leaderboard
    leaky, baseline = is_leaky(board), is_baseline(board)
    best, simple = best_setting(report), best_row(report, baseline)
    pairs = _pairs_of(report, best)
    aside = set(board.loc[leaky | baseline, "setting"]) if len(board) else set()
    rivals = pairs[~pairs["rival"].isin(aside)]
    against = pairs.loc[pairs["rival"] == simple["setting"], "apart"] if simple else pairs["apart"]
    tested = report.differences
    return Sentences(
        "sweep_sentences.j2",
        report=report,
        metric=report.metrics[0] if report.metrics else "",
        best=best,
        settings=int((~baseline).sum()),
        believed=int((~baseline & ~leaky).sum()),
        rivals=len(rivals),
        not_apart=rivals.loc[~rivals["apart"].astype(bool), "rival"].tolist(),
        rival_patients=int(rivals["patients"].min()) if len(rivals) else 0,
        simple=simple,
        simple_apart=bool(against.iloc[0]) if simple and len(against) else None,
        leaky=board.loc[leaky, "setting"].tolist() if leaky.any() else [],
        fewest_patients=int(tested["patients"].min()) if len(tested) else None,
    )


def is_baseline(board: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows of a leaderboard are baselines."""
    return _column(board, "kind") == BASELINE


def is_leaky(board: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows of a leaderboard may have seen their test patients."""
    return _column(board, "leaky").astype("boolean").fillna(False).astype(bool)


def _column(board: pd.DataFrame, name: str) -> "pd.Series[Any]":
    return board[name] if name in board else pd.Series(None, index=board.index, dtype=object)


def best_setting(report: SweepReport) -> Row | None:
    """The leaderboard's best row without baselines and, if possible, without leaky settings."""
    return best_row(report, ~is_baseline(report.leaderboard))


def best_row(report: SweepReport, among: "pd.Series[bool]") -> Row | None:
    """The best row, and its ``mean`` and ``interval`` in the leaderboard's first metric."""
    if not report.metrics or not among.any():
        return None
    metric = report.metrics[0]
    clean = among & ~is_leaky(report.leaderboard)
    rows = report.leaderboard[clean if clean.any() else among]
    rows = rows.dropna(subset=f"{metric}_mean")
    if rows.empty:
        return None
    row = rows.iloc[int(rows[f"{metric}_mean"].astype(float).argmax())]
    low, high = (float(row.get(f"{metric}_{end}", float("nan"))) for end in ("low", "high"))
    return {
        "setting": row["setting"],
        "runs": row["runs"],
        "mean": float(row[f"{metric}_mean"]),
        "interval": (low, high) if low <= high else None,
    }


def _pairs_of(report: SweepReport, best: Row | None) -> pd.DataFrame:
    """The best setting's tested differences from each ``rival``, in the first metric if tested."""
    table = report.differences
    if table.empty or best is None:
        return pd.DataFrame({"rival": [], "apart": [], "patients": []})
    bare = table["metric"].astype(str).str.rpartition("/")[2]
    main = report.metrics[0].rpartition("/")[2]
    metric = main if (bare == main).any() else bare.iloc[0]
    name = best["setting"]
    mine = ((table["a"] == name) | (table["b"] == name)) & (bare == metric)
    rival = table["b"].where(table["a"] == name, table["a"])
    tested: pd.DataFrame = table.assign(rival=rival)[mine & table["p_holm"].notna()]
    return tested


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
