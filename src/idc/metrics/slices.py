"""In which kinds of patches a classifier errs more than in the rest."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.metrics.areas import grouped_areas
from idc.metrics.decisions import Floats, count_decisions, share
from idc.metrics.resampling import CHUNK_CELLS, SEED, Units, patient_units
from idc.metrics.spread import Spread, independent_error

ALL = ("all", "all patches")
LOGGED = ("recall", "specificity", "precision", "f1", "auroc", "accuracy", "error_rate")


def slice_table(
    frame: pd.DataFrame,
    columns: pd.DataFrame,
    classes: int = 2,
    draws: int = 2000,
    level: float = 0.95,
) -> pd.DataFrame:
    """Metrics of each slice, with intervals, and whether it does worse than the rest.

    Args:
        frame: Predictions: ``patient``, ``label``, ``predicted`` and, for two classes, ``score``.
        columns: Slices, row for row with `frame`: categorical (or plain) columns, missing where a
            patch belongs to none; see `idc.metrics.slice_columns`. A column's name up to a slash
            is its slice's.
        classes: k.
        draws: Of the bootstrap over patients; 0 for no intervals.
        level: Of the intervals, in (0, 1).

    Returns:
        A row a slice and value that occurs, in the order of the columns, after one of ``all``:
        ``slice``, ``value``, ``patches``, ``patients``, ``positive`` (share of label > 0). For two
        classes ``tp``, ``fp``, ``fn``, ``tn``, ``recall``, ``recall_ci_low``, ``recall_ci_high``,
        ``specificity``, ``precision``, ``f1``, ``auroc``; for more ``accuracy``. Then
        ``error_rate``, ``error_rate_ci_low``, ``error_rate_ci_high`` and ``worse`` (bool: the
        interval of its error rate minus that of all other patches lies above 0); for two classes
        also ``misses_more`` (bool: that of its recall minus theirs lies below 0). Undefined metrics
        are NaN.

        Intervals are those of `idc.metrics.intervals.bootstrap`, on the same draws: the row of all
        has the very interval of the metric. A slice in one patient has none. Many slices are
        looked at, so that one in some will be marked by chance.
    """
    units = patient_units(frame["label"].to_numpy(), frame["patient"].to_numpy(object))
    rates = _Rates(units, draws, level)
    whole = pd.Series(pd.Categorical([ALL[1]] * len(frame)))
    parts = [_rows(frame, ALL[0], whole, classes, rates)]
    parts += [
        _rows(frame, str(name).partition("/")[0], columns[name], classes, rates) for name in columns
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[table["patches"] > 0].reset_index(drop=True)


def _rows(
    frame: pd.DataFrame,
    name: str,
    values: "pd.Series[str]",
    classes: int,
    rates: "_Rates",
) -> pd.DataFrame:
    """The table of one column."""
    patient, patients = rates.units.codes, rates.units.count
    kinds = pd.Categorical(values)
    codes = kinds.codes.astype(np.int64)
    size, inside = len(kinds.categories), codes >= 0
    label = frame["label"].to_numpy(np.int64)
    predicted = frame["predicted"].to_numpy(np.int64)
    # Counts a value and patient; the last row is for patches of no value.
    cell = np.where(inside, codes, size) * patients + patient

    def counted(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(cell[chosen], minlength=(size + 1) * patients).reshape(-1, patients)

    every = counted(np.ones(len(frame), bool))
    errors = rates.compare(counted(predicted != label), every)
    patches = every[:size].sum(1)
    found: dict[str, object] = {
        "slice": name,
        "value": [str(value) for value in kinds.categories],
        "patches": patches,
        "patients": (every[:size] > 0).sum(1),
        "positive": share(counted(label > 0)[:size].sum(1), patches),
    }
    if classes == 2:
        decisions = count_decisions(label[inside], predicted[inside], codes[inside], size)
        metrics = decisions.metrics()
        recalls = rates.compare(counted((label == 1) & (predicted == 1)), counted(label == 1))
        score = frame["score"].to_numpy(np.float64)
        found |= {kind: getattr(decisions, kind) for kind in ("tp", "fp", "fn", "tn")}
        found |= {
            "recall": metrics["recall"],
            "recall_ci_low": recalls.low,
            "recall_ci_high": recalls.high,
            **{kind: metrics[kind] for kind in ("specificity", "precision", "f1")},
            "auroc": grouped_areas(label[inside] == 1, score[inside], codes[inside], size)["auroc"],
            "misses_more": recalls.is_lower,
        }
    else:
        found["accuracy"] = 1 - errors.rate
    found |= {
        "error_rate": errors.rate,
        "error_rate_ci_low": errors.low,
        "error_rate_ci_high": errors.high,
        "worse": errors.is_higher,
    }
    return pd.DataFrame(found)


class _Compared(NamedTuple):
    """Rates of values and their intervals, (V,), NaN where there is none; and which stand out."""

    rate: Floats
    low: Floats
    high: Floats
    is_higher: NDArray[np.bool_]
    is_lower: NDArray[np.bool_]


class _Rates:
    """Intervals of rates over patients, all on the same draws."""

    def __init__(self, units: Units, draws: int, level: float) -> None:
        self.units, self.level, self._draws = units, level, draws
        self._left_out = units.left_out()
        self._kept: list[NDArray[np.float64]] = []

    def _weights(self) -> Iterator[NDArray[np.float64]]:
        """All patients once, all but one in turn, and the draws; kept where they are few."""
        if self._kept:
            yield from self._kept
            return
        # The seed of `idc.metrics.intervals.bootstrap`: one interval for one number.
        draws = self.units.draws(self._draws, SEED)
        for weights in chain([np.ones((1, self.units.count)), self._left_out], draws):
            if self._draws * self.units.count <= CHUNK_CELLS:
                self._kept.append(weights)
            yield weights

    def compare(self, hits: NDArray[np.int64], of: NDArray[np.int64]) -> "_Compared":
        """Rates of each value, with their intervals, and beside those of all that is not of it.

        Args:
            hits: int (V + 1, P), counts a value and patient; the last row is of no value.
            of: int (V + 1, P), of how many.
        """
        rates = self._spreads(hits[:-1], of[:-1])
        rest = self._spreads(hits.sum(0) - hits[:-1], of.sum(0) - of[:-1])
        bounds = np.array([x.interval(self.level) for x in rates], np.float64).reshape(-1, 2)
        # On the same draws, so that what patients have in common falls out.
        apart = [(x - y).interval(self.level) for x, y in zip(rates, rest, strict=True)]
        beside = np.array(apart, np.float64).reshape(-1, 2)
        rate = share(hits[:-1].sum(1), of[:-1].sum(1))
        return _Compared(rate, bounds[:, 0], bounds[:, 1], beside[:, 0] > 0, beside[:, 1] < 0)

    def _spreads(self, hits: NDArray[np.int64], of: NDArray[np.int64]) -> list[Spread]:
        first, held, whole = 1 + len(self._left_out), (of > 0).sum(1), of.sum(1)
        drawn = np.concatenate([share(w @ hits.T, w @ of.T) for w in self._weights()]).T
        found = []
        for row, patients, patches in zip(drawn, held, whole, strict=True):
            least = independent_error(row[0], int(patches))
            found.append(Spread(row[0], row[first:], row[1:first], int(patients), "logit", least))
        return found


def slice_metrics(table: pd.DataFrame) -> dict[str, float]:
    """The metrics of each slice as numbers to log.

    Args:
        table: As `slice_table` gives it.

    Returns:
        ``slice/<value>/<metric>`` for the metrics that are defined, in words of letters, digits
        and ``_.-``: ``slice/edge_of_tissue/recall``. Where two slices have a value of the same
        name, ``slice/<slice>_<value>/<metric>``. The row of ``all`` is left out.
    """
    rows: list[Mapping[str, object]] = [
        {str(key): value for key, value in row.items()}
        for row in table[table["slice"] != ALL[0]].to_dict("records")
    ]
    words = [_word(str(row["value"])) for row in rows]
    found: dict[str, float] = {}
    taken: set[str] = set()
    for row, word in zip(rows, words, strict=True):
        name = word if words.count(word) == 1 else f"{_word(str(row['slice']))}_{word}"
        unique, number = name, 2
        while unique in taken:
            unique, number = f"{name}_{number}", number + 1
        taken.add(unique)
        for metric in LOGGED:
            value = row.get(metric)
            if isinstance(value, float) and np.isfinite(value):
                found[f"slice/{unique}/{metric}"] = value
    return found


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("_.") or "unnamed"
