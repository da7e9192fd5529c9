"""How far attribution methods can be trusted for each setting of a comparison."""

import re
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from idc.attribution.faithfulness.verdict import EMPTY, FAILS, MOST_FLAT, TRUST, UNPROVEN
from idc.comparison.runs import FinishedRun

GAIN = "drop_over_random"
NAME = re.compile(r"explain/(\w+)/(\w+)")
COLUMNS = ("model", "method", "verdict", GAIN, f"{GAIN}_low", f"{GAIN}_high")
SHOWN = ("randomisation_similarity", "infidelity", "max_sensitivity")


def trust_table(runs: Sequence[FinishedRun]) -> pd.DataFrame:
    """Faithfulness verdict of each attribution method for each setting.

    Args:
        runs: Finished runs; those without measured faithfulness have no row.

    Returns:
        One row per setting and method: ``model`` (the setting), ``method``, ``verdict`` (``trust``
        if it is the verdict of every run, ``fails the weights check`` if of any),
        ``drop_over_random`` (mean over the runs), ``drop_over_random_low`` and ``_high`` (the
        interval of a single run, or the lowest and highest gain of several), ``runs`` and the
        means of further measures.
    """
    rows: list[dict[str, object]] = []
    for setting in dict.fromkeys(run.setting for run in runs):
        measured = pd.DataFrame(
            [row for run in runs if run.setting == setting for row in _measures(run)]
        )
        if not len(measured):
            continue
        for method, part in measured.groupby("method", sort=False):
            gain = part[GAIN].to_numpy(np.float64)
            several = len(part) > 1
            low, high = part[f"{GAIN}_ci_low"].iloc[0], part[f"{GAIN}_ci_high"].iloc[0]
            rows.append(
                {
                    "model": setting,
                    "method": method,
                    "verdict": _verdict(part),
                    GAIN: gain.mean(),
                    f"{GAIN}_low": gain.min() if several else low,
                    f"{GAIN}_high": gain.max() if several else high,
                    "runs": len(part),
                    **{name: part[name].mean() for name in SHOWN if name in part},
                }
            )
    return pd.DataFrame(rows, columns=None if rows else list(COLUMNS))


def trust_sentences(table: pd.DataFrame) -> list[str]:
    """For how many settings each method can be trusted; empty for one setting."""
    if not len(table) or table["model"].nunique() < 2:
        return []
    sentences = []
    for method, part in table.groupby("method", sort=False):
        trusted = int((part["verdict"] == TRUST).sum())
        failed = part.loc[part["verdict"] == FAILS, "model"].tolist()
        sentence = f"Maps by {method} can be trusted for {trusted} of {len(part)} settings"
        if failed:
            sentence += f"; the weights check fails for {', '.join(map(str, failed))}"
        sentences.append(sentence + ".")
    return sentences


def _measures(run: FinishedRun) -> Iterable[dict[str, object]]:
    by_method: dict[str, dict[str, float]] = {}
    for name, value in run.outcome.metrics.items():
        if match := NAME.fullmatch(name):
            by_method.setdefault(match[1], {})[match[2]] = value
    required = {GAIN, f"{GAIN}_ci_low", f"{GAIN}_ci_high", "passes", "trusted"}
    return [{"method": m, **values} for m, values in by_method.items() if required <= values.keys()]


def _verdict(part: pd.DataFrame) -> str:
    if "flat_share" in part and (part["flat_share"] > MOST_FLAT).any():
        return EMPTY
    if (part["passes"] < 1).any():
        return FAILS
    return TRUST if (part["trusted"] == 1).all() else UNPROVEN
