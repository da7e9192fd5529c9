"""What the sentences about a sweep rest on, and the sentences."""

from typing import Any

import pandas as pd

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
    """The tested differences of the best setting from each ``rival``.

    In the leaderboard's first metric if that was tested.
    """
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
