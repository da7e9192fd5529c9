"""Metrics of slices of patches, and in which of them a classifier does worse than in the rest."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.metrics.areas import grouped_areas
from idc.metrics.definitions import Counts
from idc.metrics.grouped import (
    Floats,
    confusion_matrices,
    metrics_of_two,
    one_against_rest,
    share,
)
from idc.metrics.resampling import CHUNK_CELLS, SEED, Clusters, patient_clusters
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
        columns: Slices, in the rows of `frame`: categorical (or plain) columns, missing for
            patches in no slice; see `idc.metrics.slice_columns`. The name of a slice is its
            column's, up to a slash.
        classes: k.
        draws: Number of bootstrap draws over patients; 0 for no intervals.
        level: Nominal coverage of the intervals, in (0, 1).

    Returns:
        One row per slice and value that occurs, in the order of the columns, after one for ``all``:
        ``slice``, ``value``, ``patches``, ``patients``, ``positive`` (share of label > 0). For two
        classes ``tp``, ``fp``, ``fn``, ``tn``, ``recall``, ``recall_ci_low``, ``recall_ci_high``
        and the other metrics but the accuracy; for more ``accuracy``. Then
        ``error_rate``, ``error_rate_ci_low``, ``error_rate_ci_high`` and ``worse`` (bool: the
        interval of its error rate minus that of all other patches lies above 0); for two classes
        also ``misses_more`` (bool: that of the difference in recall lies below 0). Undefined
        metrics are NaN.

        Intervals are those of `idc.metrics.bootstrap.bootstrap`, on the same draws: the row
        ``all`` has the interval of the metric itself. A slice within one patient has none. The
        tests are not corrected for the number of slices, so some will be marked by chance.
    """
    clusters = patient_clusters(frame["label"].to_numpy(), frame["patient"].to_numpy(object))
    rates = _Rates(clusters, draws, level)
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
    """The rows of one column."""
    patient, patients = rates.clusters.codes, rates.clusters.count
    kinds = pd.Categorical(values)
    codes = kinds.codes.astype(np.int64)
    size, inside = len(kinds.categories), codes >= 0
    label = frame["label"].to_numpy(np.int64)
    predicted = frame["predicted"].to_numpy(np.int64)
    # Counts per value and patient; the last row is for patches in no slice.
    cell = np.where(inside, codes, size) * patients + patient

    def counted(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(cell[chosen], minlength=(size + 1) * patients).reshape(-1, patients)

    total = counted(np.ones(len(frame), bool))
    errors = rates.compare(counted(predicted != label), total)
    patches = total[:size].sum(1)
    table: dict[str, object] = {
        "slice": name,
        "value": [str(value) for value in kinds.categories],
        "patches": patches,
        "patients": (total[:size] > 0).sum(1),
        "positive": share(counted(label > 0)[:size].sum(1), patches),
    }
    if classes == 2:
        shown = label[inside], predicted[inside], codes[inside], size
        counts = Counts(*(x[:, 1] for x in one_against_rest(confusion_matrices(*shown, 2))))
        recalls = rates.compare(counted((label == 1) & (predicted == 1)), counted(label == 1))
        score = frame["score"].to_numpy(np.float64)
        metrics = metrics_of_two(counts)
        del metrics["accuracy"]  # the error rate says the same
        table |= {kind: count.astype(np.int64) for kind, count in counts._asdict().items()}
        table |= {"recall": metrics["recall"]}
        table |= {"recall_ci_low": recalls.low, "recall_ci_high": recalls.high, **metrics}
        table |= grouped_areas(label[inside] == 1, score[inside], codes[inside], size)
        table["misses_more"] = recalls.is_lower
    else:
        table["accuracy"] = 1 - errors.rate
    table |= {
        "error_rate": errors.rate,
        "error_rate_ci_low": errors.low,
        "error_rate_ci_high": errors.high,
        "worse": errors.is_higher,
    }
    return pd.DataFrame(table)


class _ComparedRates(NamedTuple):
    """Rates and their intervals, (V,), NaN without one; and which differ from the other patches."""

    rate: Floats
    low: Floats
    high: Floats
    is_higher: NDArray[np.bool_]
    is_lower: NDArray[np.bool_]


class _Rates:
    """Intervals of rates over patients, all on the same draws."""

    def __init__(self, clusters: Clusters, draws: int, level: float) -> None:
        self.clusters, self.level, self._draws = clusters, level, draws
        self._left_out = clusters.left_out()
        self._cached: list[NDArray[np.float64]] = []

    def _weights(self) -> Iterator[NDArray[np.float64]]:
        """Weights of the sample, the jackknife and the draws; cached if they are few."""
        if self._cached:
            yield from self._cached
            return
        # The seed of `idc.metrics.bootstrap.bootstrap`, so that equal numbers have equal intervals.
        draws = self.clusters.draws(self._draws, SEED)
        for weights in chain([np.ones((1, self.clusters.count)), self._left_out], draws):
            if self._draws * self.clusters.count <= CHUNK_CELLS:
                self._cached.append(weights)
            yield weights

    def compare(self, hits: NDArray[np.int64], of: NDArray[np.int64]) -> _ComparedRates:
        """Rates of each value with their intervals, compared with those of all other patches.

        Args:
            hits: Numerators, int (V + 1, P), per value and patient; the last row is of no value.
            of: Denominators, int (V + 1, P).
        """
        rates = self._spreads(hits[:-1], of[:-1])
        rest = self._spreads(hits.sum(0) - hits[:-1], of.sum(0) - of[:-1])
        # On the same draws, so that shared variance cancels.
        differences = [x - y for x, y in zip(rates, rest, strict=True)]
        bounds, of_difference = (
            np.array([x.interval(self.level) for x in spreads], np.float64).reshape(-1, 2).T
            for spreads in (rates, differences)
        )
        rate = np.array([x.value for x in rates], np.float64)
        low, high = bounds
        return _ComparedRates(rate, low, high, of_difference[0] > 0, of_difference[1] < 0)

    def _spreads(self, hits: NDArray[np.int64], of: NDArray[np.int64]) -> list[Spread]:
        first, patients, patches = 1 + len(self._left_out), (of > 0).sum(1), of.sum(1)
        drawn = np.concatenate([share(w @ hits.T, w @ of.T) for w in self._weights()]).T
        floors = [independent_error(row[0], n) for row, n in zip(drawn, patches, strict=True)]
        return [
            Spread(row[0], row[first:], row[1:first], int(count), "logit", floor)
            for row, count, floor in zip(drawn, patients, floors, strict=True)
        ]


def slice_metrics(table: pd.DataFrame) -> dict[str, float]:
    """Metrics of each slice to log.

    Args:
        table: From `slice_table`.

    Returns:
        ``slice/<value>/<metric>`` for the metrics that are defined, in letters, digits and
        ``_.-``: ``slice/edge_of_tissue/recall``. If two slices share the name of a value,
        ``slice/<slice>_<value>/<metric>``. The row ``all`` is left out.
    """
    rows = table[table["slice"] != ALL[0]].to_dict("records")
    words = [_word(str(row["value"])) for row in rows]
    names = [
        word if words.count(word) == 1 else f"{row['slice']}_{word}"
        for row, word in zip(rows, words, strict=True)
    ]
    metrics: dict[str, float] = {}
    for row, name in zip(rows, metric_words(names), strict=True):
        values = {metric: row[metric] for metric in LOGGED if metric in row}
        metrics |= {f"slice/{name}/{k}": float(v) for k, v in values.items() if np.isfinite(v)}
    return metrics


def metric_words(texts: Iterable[str]) -> list[str]:
    """Texts as parts of metrics' names, in letters, digits and ``_.-``, none of them twice."""
    used: dict[str, None] = {}  # in their order
    for text in texts:
        unique, number = (word := _word(str(text))), 2
        while unique in used:
            unique, number = f"{word}_{number}", number + 1
        used[unique] = None
    return list(used)


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("_.") or "unnamed"
