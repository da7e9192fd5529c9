"""Baselines on the patches of a run, with a threshold chosen by the run's own rule."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd

from idc.data.facts import COLOURS
from idc.errors import DataError
from idc.evaluation.baseline_models import MAJORITY, baseline_predictions
from idc.evaluation.test_metrics import metrics_of
from idc.metrics.definitions import BY_PREVALENCE, METRIC_NAMES
from idc.metrics.threshold import ThresholdRule

SHOWN = tuple(name for name in METRIC_NAMES if name not in BY_PREVALENCE)


@dataclass(frozen=True)
class Baselines:
    """Baselines, trained and tested on the patches of a run.

    Attributes:
        predictions: ``baseline``, ``split``, ``path``, ``patient``, ``label``, ``score``
            (``score_<class>`` for k > 2) and ``predicted`` of each test patch.
        table: One row per baseline, with the metrics of the test split.
    """

    predictions: pd.DataFrame
    table: pd.DataFrame

    @property
    def metrics(self) -> dict[str, float]:
        """The table as ``baseline/<name>/<metric>``."""
        return {
            f"baseline/{str(row['baseline']).replace(' ', '_')}/{name}": float(row[name])
            for row in self.table.to_dict("records")
            for name in SHOWN
            if np.isfinite(row[name])
        }


def judge_baselines(
    index: pd.DataFrame, classes: int, rule: ThresholdRule | None
) -> Baselines | None:
    """Train the baselines on the training split, and test them.

    Args:
        index: The index with ``split`` and the patches' colours.
        classes: k.
        rule: How thresholds are chosen on validation; None for k > 2.

    Returns:
        The baselines; None without a training split or measured colours.
    """
    if not set(COLOURS) <= set(index):
        return None
    train, val, test = (index[index["split"] == split] for split in ("train", "val", "test"))
    if train.empty or val.empty or test.empty:
        return None
    frame = baseline_predictions(train, val, test, classes)
    parts, rows = [], []
    for name, part in frame.groupby("baseline", sort=False):
        decided = _decide(part, classes, None if name == MAJORITY else rule)
        test = decided[decided["split"] == "test"].reset_index(drop=True)
        rows.append({"baseline": name, **metrics_of(test, classes)})
        parts.append(test)
    table = pd.DataFrame(rows)
    return Baselines(pd.concat(parts, ignore_index=True), table[["baseline", *SHOWN]])


def _decide(part: pd.DataFrame, classes: int, rule: ThresholdRule | None) -> pd.DataFrame:
    if classes > 2:
        scores = part[[f"score_{i}" for i in range(classes)]].to_numpy(np.float64)
        return part.assign(predicted=scores.argmax(1))
    threshold = 0.5
    if rule is not None:
        val = part[part["split"] == "val"]
        # If colours alone do not reach the target, the threshold stays 0.5.
        with suppress(DataError):
            threshold = rule.choose(val["label"].to_numpy(), val["score"].to_numpy())
    return part.assign(predicted=(part["score"] >= threshold).astype(np.int64))
