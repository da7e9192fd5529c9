"""Predictions of several classes or labels, seen as those of one of them against the rest."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from idc.data.index import LABELS, is_multi_label
from idc.evaluation.predictions import SMALLEST


def against_rest(frame: pd.DataFrame, number: int) -> pd.DataFrame:
    """Decided predictions as those of two classes: the class or label of that number is positive.

    Args:
        frame: See `idc.evaluation.predictions.decide`; of more than two classes, or several labels.
        number: Of the class, from 0.

    Returns:
        The table with ``label``, ``predicted`` (0 or 1), ``score`` and ``loss`` of the class.
    """
    if is_multi_label(frame):
        label, called = frame[f"label_{number}"], frame[f"predicted_{number}"]
    else:
        label, called = (frame[name] == number for name in ("label", "predicted"))
    score = frame[f"score_{number}"].to_numpy(np.float64)
    of_label = np.where(label == 1, score, 1 - score)
    return frame.assign(
        label=label.astype(np.int64),
        predicted=called.astype(np.int64),
        score=score,
        loss=-np.log(np.maximum(of_label, SMALLEST)),
    )


def classes_of(row: Mapping[Any, Any], class_names: Sequence[str], what: str = "label") -> str:
    """The classes of a patch's prediction in words, with commas where it may have several labels.

    `what` is ``label``, or ``predicted`` for those that it is called.
    """
    if LABELS not in row:
        return str(class_names[int(row[what])])
    has = [str(name) for i, name in enumerate(class_names) if row[f"{what}_{i}"] == 1]
    return ", ".join(has) or "none"
