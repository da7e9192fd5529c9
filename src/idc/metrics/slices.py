"""In which kinds of patches a classifier errs more than in the rest."""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.metrics.areas import grouped_areas
from idc.metrics.decisions import Floats, count_decisions, share
from idc.metrics.proportions import clustered_interval

ALL = ("all", "all patches")
LOGGED = ("recall", "specificity", "precision", "f1", "auroc", "accuracy", "error_rate")


def slice_table(frame: pd.DataFrame, columns: pd.DataFrame, classes: int = 2) -> pd.DataFrame:
    """Metrics of each slice, with intervals, and whether it does worse than the rest.

    Args:
        frame: Predictions: ``patient``, ``label``, ``predicted`` and, for two classes, ``score``.
        columns: Slices, row for row with `frame`: categorical (or plain) columns, missing where a
            patch belongs to none; see `idc.metrics.slice_columns`. A column's name up to a slash
            is its slice's.
        classes: k.

    Returns:
        A row a slice and value that occurs, in the order of the columns, after one of ``all``:
        ``slice``, ``value``, ``patches``, ``patients``, ``positive`` (share of label > 0). For two
        classes ``tp``, ``fp``, ``fn``, ``tn``, ``recall``, ``recall_ci_low``, ``recall_ci_high``,
        ``specificity``, ``precision``, ``f1``, ``auroc``; for more ``accuracy``. Then
        ``error_rate``, ``error_rate_ci_low``, ``error_rate_ci_high`` and ``worse`` (bool: the
        interval of its error rate lies above that of all other patches); for two classes also
        ``misses_more`` (bool: that of its recall lies below theirs). Undefined metrics are NaN.

        Intervals are of 95 %: Wilson's, of the number of patches that would say as much if they
        did not resemble one another within a patient (Rao & Scott 1992). With few patients they
        are still too narrow for new ones; of one patient they are those of its patches. Many
        slices are looked at, so that one in some will be marked by chance.
    """
    patient = pd.factorize(frame["patient"].astype(str))[0]
    whole = pd.Series(pd.Categorical([ALL[1]] * len(frame)))
    parts = [_rows(frame, ALL[0], whole, patient, classes)]
    parts += [
        _rows(frame, str(name).partition("/")[0], columns[name], patient, classes)
        for name in columns
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[table["patches"] > 0].reset_index(drop=True)


def _rows(
    frame: pd.DataFrame,
    name: str,
    values: "pd.Series[str]",
    patient: NDArray[np.int64],
    classes: int,
) -> pd.DataFrame:
    """The table of one column."""
    kinds = pd.Categorical(values)
    codes = kinds.codes.astype(np.int64)
    size, inside = len(kinds.categories), codes >= 0
    label = frame["label"].to_numpy(np.int64)
    predicted = frame["predicted"].to_numpy(np.int64)
    # Counts a value and patient; the last row is for patches of no value.
    cell = np.where(inside, codes, size) * (patient.max(initial=-1) + 1) + patient

    def counted(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        shape = (size + 1, patient.max(initial=-1) + 1)
        return np.bincount(cell[chosen], minlength=shape[0] * shape[1]).reshape(shape)

    every = counted(np.ones(len(frame), bool))
    errors = _compare(counted(predicted != label), every)
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
        recalls = _compare(counted((label == 1) & (predicted == 1)), counted(label == 1))
        score = frame["score"].to_numpy(np.float64)
        found |= {kind: getattr(decisions, kind) for kind in ("tp", "fp", "fn", "tn")}
        found |= {
            "recall": metrics["recall"],
            "recall_ci_low": recalls["low"],
            "recall_ci_high": recalls["high"],
            **{kind: metrics[kind] for kind in ("specificity", "precision", "f1")},
            "auroc": grouped_areas(label[inside] == 1, score[inside], codes[inside], size)["auroc"],
            "misses_more": recalls["high"] < recalls["rest_low"],
        }
    else:
        found["accuracy"] = 1 - errors["rate"]
    found |= {
        "error_rate": errors["rate"],
        "error_rate_ci_low": errors["low"],
        "error_rate_ci_high": errors["high"],
        "worse": errors["low"] > errors["rest_high"],
    }
    return pd.DataFrame(found)


def _compare(hits: NDArray[np.int64], of: NDArray[np.int64]) -> dict[str, Floats]:
    """Rates of each value with their intervals, and the intervals of all that is not of it.

    Args:
        hits: int (V + 1, P), counts a value and patient; the last row is of no value.
        of: int (V + 1, P), of how many.

    Returns:
        ``rate``, ``low``, ``high``, ``rest_low``, ``rest_high``, float64 (V,); NaN for 0 of 0.
    """
    low, high = clustered_interval(hits[:-1], of[:-1])
    rest_low, rest_high = clustered_interval(hits.sum(0) - hits[:-1], of.sum(0) - of[:-1])
    rate = share(hits[:-1].sum(1), of[:-1].sum(1))
    return {"rate": rate, "low": low, "high": high, "rest_low": rest_low, "rest_high": rest_high}


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
