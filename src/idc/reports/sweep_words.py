"""What a sweep's numbers say, in sentences."""

import math

import pandas as pd

from idc.metrics.resampling import FEW_PATIENTS
from idc.reports.phrases import between, listing, metric_name, number
from idc.reports.run_input import SweepReport
from idc.reports.sweep_tables import is_baseline, is_leaky
from idc.text import count

Row = dict[str, object]


def best_setting(report: SweepReport) -> Row | None:
    """The leaderboard's best row that is no baseline and, if there is one, not leaky."""
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
    """Which setting is best, whether that can be told, and on whom it was decided."""
    best = best_setting(report)
    if best is None:
        return "No run finished with a result: there is nothing to compare."
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
    parts = [first, _told_apart(report, str(best["setting"]), others), _against_baseline(report)]
    return " ".join(part for part in parts if part)


def _with_interval(row: Row, metric: str) -> str:
    mean = number(_float(row.get(f"{metric}_mean")))
    low, high = _float(row.get(f"{metric}_low")), _float(row.get(f"{metric}_high"))
    return f"{mean} ({between((low, high))})" if low <= high else mean


def _float(value: object) -> float:
    return float("nan") if value is None else float(str(value))


def _told_apart(report: SweepReport, best: str, others: int) -> str:
    """Which of the others the best can be told from, on how many patients."""
    board = report.leaderboard
    aside = is_leaky(board) | is_baseline(board)
    left_out = set(board.loc[aside, "setting"].astype(str)) - {best}
    known = _pairs_of(report, best)
    if len(known):
        rival = known["b"].where(known["a"] == best, known["a"]).astype(str)
        known = known.assign(rival=rival)[known["p_holm"].notna() & ~rival.isin(left_out)]
    if known.empty:
        if report.sentences:
            return str(report.sentences[0])
        return "Whether it is better by more than chance was not tested." if others else ""
    apart = known["apart"].astype(bool)
    tested = _tested(known)
    if apart.all() and len(known) == 1:
        return f"It can be told apart from the other, {tested}."
    if apart.all():
        return f"It can be told apart from all {len(known)} others, {tested}."
    rest = listing(known.loc[~apart, "rival"].tolist(), 3)
    if not apart.any():
        return f"It cannot be told apart from {rest}, {tested}."
    return (
        f"It can be told apart from {apart.sum()} of {len(known)} others, {tested}, but not from "
        f"{rest}."
    )


def _pairs_of(report: SweepReport, best: str) -> pd.DataFrame:
    """The differences of the best setting, in the metric of the order if it was tested."""
    table = report.differences
    if table.empty:
        return table
    bare = table["metric"].astype(str).str.rpartition("/")[2]
    main = report.metrics[0].rpartition("/")[2]
    metric = main if (bare == main).any() else bare.iloc[0]
    mine = (table["a"].astype(str) == best) | (table["b"].astype(str) == best)
    return table[(bare == metric) & mine]


def _tested(pairs: pd.DataFrame) -> str:
    return f"on {count(int(pairs['patients'].min()), 'patient')}"


def _against_baseline(report: SweepReport) -> str:
    base = best_baseline(report)
    if base is None:
        return ""
    metric = report.metrics[0]
    name = str(base["setting"]).replace("_", " ")
    reached = f"The best rule without a network, {name}, reaches {_with_interval(base, metric)}"
    apart = _is_apart(report, str(base["setting"]))
    if apart is None:
        return f"{reached}."
    return f"{reached}; the best setting {'can' if apart else 'cannot'} be told apart from it."


def _is_apart(report: SweepReport, rule: str) -> bool | None:
    """Whether the best setting can be told from a baseline; None where it was not tested."""
    best = best_setting(report)
    if best is None:
        return None
    for row in _pairs_of(report, str(best["setting"])).to_dict("records"):
        if rule in (str(row["a"]), str(row["b"])) and not math.isnan(_float(row["p_holm"])):
            return bool(row["apart"])
    return None


def sweep_warnings(report: SweepReport) -> list[str]:
    """What a reader must know before any number."""
    return [*_leak(report), *_baseline(report), *_few(report), *_failed(report)]


def _leak(report: SweepReport) -> list[str]:
    board = report.leaderboard
    leaky = is_leaky(board)
    if not leaky.any():
        return []
    names = listing([str(name) for name in board.loc[leaky, "setting"]], 3)
    return [
        f"The numbers of {names} are too good: patients stand on more than one split. "
        "They must not be compared with the others."
    ]


def _baseline(report: SweepReport) -> list[str]:
    best, base = best_setting(report), best_baseline(report)
    if best is None or base is None:
        return []
    mean = f"{report.metrics[0]}_mean"
    own, simple = _float(best[mean]), _float(base[mean])
    name = str(base["setting"]).replace("_", " ")
    values = (
        f"{name}, which needs no network, reaches {simple:.3f}, the best setting {own:.3f} "
        f"({metric_name(mean.removesuffix('_mean'), short=True)})"
    )
    if simple >= own:
        return [f"No setting beats a simple rule: {values}."]
    if _is_apart(report, str(base["setting"])) is False:
        return [f"That a setting beats a simple rule is not shown: {values}; chance may do that."]
    return []


def _few(report: SweepReport) -> list[str]:
    table = report.differences
    if table.empty or int(table["patients"].min()) >= FEW_PATIENTS:
        return []
    return [
        f"Only {count(int(table['patients'].min()), 'patient')} to test on: intervals are wide, "
        "and only large differences can be told from chance."
    ]


def _failed(report: SweepReport) -> list[str]:
    if not report.failed:
        return []
    names = listing([name for name, _ in report.failed], 3)
    return [f"{count(len(report.failed), 'run')} did not finish; not counted: {names}."]
