"""Baselines that a classifier must beat: class frequencies, and a model of colour alone.

Patients often have nearly one class only, and then a patient's stain predicts the label: a logistic
regression on the colours of a patch is stronger than it looks.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from idc.data.facts import COLOURS, SHARES
from idc.data.index import LABELS, POSITION, class_members, is_multi_label
from idc.errors import DataError
from idc.evaluation.predictions import labels_of, with_labels, with_probabilities
from idc.evaluation.test_metrics import metrics_of
from idc.metrics.definitions import BY_PREVALENCE, METRIC_NAMES
from idc.metrics.label_thresholds import choose_thresholds
from idc.metrics.threshold import ThresholdRule

MAJORITY, PRIOR, COLOUR = BASELINES = ("majority class", "class prior", "colour statistics")
FEATURES = (*COLOURS, *SHARES)
MAX_ITERATIONS = 2000
KEPT = ("row", "path", "patient", *POSITION, "label", LABELS)
SHOWN = tuple(name for name in METRIC_NAMES if name not in BY_PREVALENCE)


@dataclass(frozen=True)
class Baselines:
    """Baselines, trained and tested on the patches of a run.

    Attributes:
        predictions: ``baseline``, ``split``, ``row``, ``path``, ``patient``, ``x``, ``y`` (where
            there are), ``label``, ``score`` (with ``score_<class>`` for k > 2 or several labels)
            and ``predicted`` of each test patch.
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
    index: pd.DataFrame, class_names: Sequence[str], rule: ThresholdRule | None
) -> Baselines | None:
    """Train the baselines on the training split, and test them.

    Args:
        index: The index with ``split`` and the patches' colours.
        class_names: One name per class.
        rule: How thresholds are chosen on validation; None for k > 2.

    Returns:
        The baselines; None without a training split or measured colours.
    """
    if not set(COLOURS) <= set(index):
        return None
    classes = len(class_names)
    train, val, test = (index[index["split"] == split] for split in ("train", "val", "test"))
    if train.empty or val.empty or test.empty:
        return None
    rest = pd.concat([val, test])
    if "row" not in rest:
        rest = rest.assign(row=rest.index.to_numpy(np.int64))
    facts = rest[["split", *(name for name in KEPT if name in rest)]].reset_index(drop=True)
    facts = with_labels(facts, class_members(facts, class_names))
    parts, rows = [], []
    if is_multi_label(index):
        fitted = label_probabilities(train, rest, class_names)
    else:
        fitted = baseline_probabilities(train, rest, classes)
    for name, probabilities in fitted.items():
        scored = with_probabilities(facts, probabilities, "score")
        if is_multi_label(index):
            called = _decide_labels(scored, probabilities, None if name == MAJORITY else rule)
            scored = scored.assign(**{f"predicted_{i}": of for i, of in enumerate(called.T)})
            scored["score"], predicted = probabilities.max(1), called.max(1)
        elif classes > 2:
            predicted = probabilities.argmax(1)
            scored["score"] = probabilities.max(1)
        else:
            threshold = _threshold(scored, None if name == MAJORITY else rule)
            predicted = (probabilities[:, 1] >= threshold).astype(np.int64)
        scored = scored.assign(predicted=predicted)
        part = scored[scored["split"] == "test"].reset_index(drop=True)
        part.insert(0, "baseline", name)
        rows.append({"baseline": name, **metrics_of(part, classes)})
        parts.append(part)
    table = pd.DataFrame(rows)[["baseline", *SHOWN]]
    return Baselines(pd.concat(parts, ignore_index=True), table)


def baseline_probabilities(
    train: pd.DataFrame, frame: pd.DataFrame, classes: int, seed: int = 0
) -> dict[str, NDArray[np.float64]]:
    """Fit the baselines of `BASELINES`, and predict patches.

    ``majority class`` is certain of the most frequent training class (of equals the first);
    ``class prior`` predicts the training frequencies; ``colour statistics`` is a logistic
    regression on standardised colours. For two classes it weights patches equally, so that its
    scores are probabilities; the threshold, which the caller chooses on validation, sees to the
    balance. For more, the decision is the most probable class and metrics are macro averages, so
    classes are weighted equally.

    Args:
        train: One row per training patch, at least one: ``label`` (int, 0..k-1) and the measured
            `FEATURES`.
        frame: One row per patch, N rows, with the same features.
        classes: k, 2 or more.
        seed: Of the solver.

    Returns:
        Name of each baseline to float64 (N, k), rows summing to 1.
    """
    labels = train["label"].to_numpy(np.int64)
    counts = np.bincount(labels, minlength=classes)
    features, seen = [name for name in FEATURES if name in train], np.flatnonzero(counts)
    colour = np.zeros((len(frame), classes))
    if len(seen) == 1:
        colour[:, seen] = 1.0
    else:
        weights = "balanced" if classes > 2 else None
        solver = LogisticRegression(
            max_iter=MAX_ITERATIONS, class_weight=weights, random_state=seed
        )
        model = make_pipeline(StandardScaler(), solver)
        model.fit(train[features].to_numpy(np.float64), labels)
        colour[:, seen] = model.predict_proba(frame[features].to_numpy(np.float64))
    return {
        MAJORITY: np.tile(np.eye(classes)[counts.argmax()], (len(frame), 1)),
        PRIOR: np.tile(counts / counts.sum(), (len(frame), 1)),
        COLOUR: colour,
    }


def label_probabilities(
    train: pd.DataFrame, frame: pd.DataFrame, class_names: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """The same where an image may have several labels, `class_names`: each as one of two classes.

    See `baseline_probabilities`; rows of what is returned sum to anything.
    """
    each = [
        baseline_probabilities(train.assign(label=of.astype(np.int64)), frame, 2)
        for of in class_members(train, class_names).T
    ]
    return {name: np.stack([one[name][:, 1] for one in each], axis=1) for name in BASELINES}


def _decide_labels(
    scored: pd.DataFrame, scores: NDArray[np.float64], rule: ThresholdRule | None
) -> NDArray[np.int64]:
    """The decisions on several labels, int64 (N, k): at 0.5 without a rule."""
    if rule is None:
        return (scores >= 0.5).astype(np.int64)
    val = (scored["split"] == "val").to_numpy()
    labels = labels_of(scored, scores.shape[1])
    return choose_thresholds(rule, labels[val], scores[val]).decide(scores)


def _threshold(scored: pd.DataFrame, rule: ThresholdRule | None) -> float:
    """The rule's threshold on validation; 0.5 without a rule, or if its target is not reached."""
    val = scored[scored["split"] == "val"]
    if rule is not None:
        with suppress(DataError):
            return rule.choose(val["label"].to_numpy(), val["score"].to_numpy())
    return 0.5
