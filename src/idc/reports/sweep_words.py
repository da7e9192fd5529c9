"""Sentences about a sweep's results."""

import math

import pandas as pd

from idc.metrics.resampling import FEW_PATIENTS
from idc.reports.formats import interval_text, metric_name, number
from idc.reports.run_input import SweepReport
from idc.reports.sweep_tables import is_baseline, is_leaky
from idc.text import count, listing

Row = dict[str, object]


def best_setting(report: SweepReport) -> Row | None:
    """The leaderboard's best row without baselines and, if possible, without leaky settings."""
    return _best(report, ~is_baseline(report.leaderboard))


def best_baseline(report: SweepReport) -> Row | None:
    """The best baseline."""
    return _best(report, is_baseline(report.leaderboard))


def _best(report: SweepReport, among: "pd.Series[bool]") -> Row | None:
    board = report.leaderboard
    if not report.metrics or not among.any():
        return None
    clean = among & ~is_leaky(board)
    rows = board[clean if clean.any() else among]
    values = rows[f"{report.metrics[0]}_mean"].astype(float)
    if not values.notna().any():
        return None
    chosen = rows.iloc[int(values.fillna(float("-inf")).to_numpy().argmax())]
    return {str(name): value for name, value in chosen.items()}


def lead(report: SweepReport) -> str:
    """Summary: the best setting, whether it is significantly better, and on how many patients."""
    best = best_setting(report)
    if best is None:
        return "No run has finished with a result, so there is nothing to compare."
    metric = report.metrics[0]
    board = report.leaderboard
    settings, leaky = ~is_baseline(board), is_leaky(board)
    others = int(settings.sum()) - 1
    believed = int((settings & ~leaky).sum())
    value = f"{metric_name(metric, short=True)} of {_with_interval(best, metric)}"
    runs = int(str(best["runs"]))
    of = f", of {count(runs, 'run')}" if runs > 1 else ""
    if 0 < believed <= others:
        what = f"Best of {count(believed, 'setting')} without a leak"
        first = f"{what}: {best['setting']}, with {value}{of}."
    elif others:
        first = f"Highest of {others + 1} settings: {best['setting']}, with {value}{of}."
    else:
        first = f"One setting, {best['setting']}: {value}{of}."
    parts = [first, _significance(report, str(best["setting"]), others), _against_baseline(report)]
    return " ".join(part for part in parts if part)


def _with_interval(row: Row, metric: str) -> str:
    mean = number(_float(row.get(f"{metric}_mean")))
    low, high = _float(row.get(f"{metric}_low")), _float(row.get(f"{metric}_high"))
    return f"{mean} ({interval_text((low, high))})" if low <= high else mean


def _float(value: object) -> float:
    return float("nan") if value is None else float(str(value))


def _significance(report: SweepReport, best: str, others: int) -> str:
    """From which of the others the best differs significantly, on how many patients."""
    board = report.leaderboard
    aside = is_leaky(board) | is_baseline(board)
    left_out = set(board.loc[aside, "setting"].astype(str)) - {best}
    pairs = _pairs_of(report, best)
    if len(pairs):
        rival = pairs["b"].where(pairs["a"] == best, pairs["a"]).astype(str)
        pairs = pairs.assign(rival=rival)[pairs["p_holm"].notna() & ~rival.isin(left_out)]
    if pairs.empty:
        if report.sentences:
            return str(report.sentences[0])
        return "Whether it is significantly better was not tested." if others else ""
    apart = pairs["apart"].astype(bool)
    tested = _tested_on(pairs)
    if apart.all() and len(pairs) == 1:
        return f"It differs significantly from the other, {tested}."
    if apart.all():
        return f"It differs significantly from all {len(pairs)} others, {tested}."
    rest = listing(pairs.loc[~apart, "rival"].tolist(), 3)
    if not apart.any():
        return f"It does not differ significantly from {rest}, {tested}."
    return (
        f"It differs significantly from {apart.sum()} of {len(pairs)} others, {tested}, but not "
        f"from {rest}."
    )


def _pairs_of(report: SweepReport, best: str) -> pd.DataFrame:
    """The differences of the best setting, in the leaderboard's first metric if it was tested."""
    table = report.differences
    if table.empty:
        return table
    bare = table["metric"].astype(str).str.rpartition("/")[2]
    main = report.metrics[0].rpartition("/")[2]
    metric = main if (bare == main).any() else bare.iloc[0]
    mine = (table["a"].astype(str) == best) | (table["b"].astype(str) == best)
    return table[(bare == metric) & mine]


def _tested_on(pairs: pd.DataFrame) -> str:
    return f"on {count(int(pairs['patients'].min()), 'patient')}"


def _against_baseline(report: SweepReport) -> str:
    base = best_baseline(report)
    if base is None:
        return ""
    metric = report.metrics[0]
    name = str(base["setting"]).replace("_", " ")
    reached = f"The best baseline without a network, {name}, has {_with_interval(base, metric)}"
    apart = _is_apart(report, str(base["setting"]))
    if apart is None:
        return f"{reached}."
    verb = "differs" if apart else "does not differ"
    return f"{reached}; the best setting {verb} significantly from it."


def _is_apart(report: SweepReport, baseline: str) -> bool | None:
    """Whether the best setting differs significantly from a baseline; None if not tested."""
    best = best_setting(report)
    if best is None:
        return None
    for row in _pairs_of(report, str(best["setting"])).to_dict("records"):
        if baseline in (str(row["a"]), str(row["b"])) and not math.isnan(_float(row["p_holm"])):
            return bool(row["apart"])
    return None


def sweep_warnings(report: SweepReport) -> list[str]:
    """Warnings that a reader must know before any result."""
    return [*_leak(report), *_baseline(report), *_few(report), *_failed(report)]


def _leak(report: SweepReport) -> list[str]:
    board = report.leaderboard
    leaky = is_leaky(board)
    if not leaky.any():
        return []
    names = listing([str(name) for name in board.loc[leaky, "setting"]], 3)
    return [
        f"The results of {names} are too optimistic: patients are in more than one split. They "
        "must not be compared with the others."
    ]


def _baseline(report: SweepReport) -> list[str]:
    best, base = best_setting(report), best_baseline(report)
    if best is None or base is None:
        return []
    mean = f"{report.metrics[0]}_mean"
    own, simple = _float(best[mean]), _float(base[mean])
    name = str(base["setting"]).replace("_", " ")
    values = (
        f"{name}, without a network, reaches {simple:.3f}, the best setting {own:.3f} "
        f"({metric_name(mean.removesuffix('_mean'), short=True)})"
    )
    if simple >= own:
        return [f"No setting beats a simple baseline: {values}."]
    if _is_apart(report, str(base["setting"])) is False:
        return [f"No setting is significantly better than a simple baseline: {values}."]
    return []


def _few(report: SweepReport) -> list[str]:
    table = report.differences
    if table.empty or int(table["patients"].min()) >= FEW_PATIENTS:
        return []
    return [
        f"Only {count(int(table['patients'].min()), 'patient')} to test on: intervals are wide, "
        "and only large differences are significant."
    ]


def _failed(report: SweepReport) -> list[str]:
    if not report.failed:
        return []
    names = listing([name for name, _ in report.failed], 3)
    return [f"{count(len(report.failed), 'run')} did not finish; not counted: {names}."]
