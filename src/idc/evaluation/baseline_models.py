"""Baselines that a classifier must beat: class frequencies, and a model of colour alone.

Patients often have nearly one class only, and then a patient's stain predicts the label: a logistic
regression on the colours of a patch is stronger than it looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from idc.data.facts import COLOURS, SHARES
from idc.data.index import POSITION
from idc.errors import DataError

MAJORITY, PRIOR, COLOUR = BASELINES = ("majority class", "class prior", "colour statistics")
FEATURES = (*COLOURS, *SHARES)
MAX_ITERATIONS = 2000
KEPT = ("row", "path", "patient", *POSITION, "label")


@dataclass(frozen=True, eq=False)
class FittedBaselines:
    """Baselines fitted on a training split.

    Attributes:
        frequencies: Share of each class among the training patches, float64 (k,).
        features: The columns of the colour model; empty if there were none.
        model: The colour model; None without features, or if training had one class only.
        seen: The classes of the training patches, int64, ascending: the model's columns.
    """

    frequencies: NDArray[np.float64]
    features: tuple[str, ...]
    model: Pipeline | None
    seen: NDArray[np.int64]

    def predict(self, frame: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
        """Probabilities of patches.

        Args:
            frame: One row per patch, N rows, with the columns `features`.

        Returns:
            Name of the baseline to float64 (N, k), rows summing to 1: ``majority class``,
            ``class prior``, and, if there are features, ``colour statistics``.

        Raises:
            DataError: A feature is missing or not a number.
        """
        classes = len(self.frequencies)
        majority = np.eye(classes)[self.frequencies.argmax()]
        predicted = {
            MAJORITY: np.tile(majority, (len(frame), 1)),
            PRIOR: np.tile(self.frequencies, (len(frame), 1)),
        }
        if self.features:
            colour = np.zeros((len(frame), classes))
            if self.model is None:
                colour[:, self.seen] = 1.0
            elif len(frame):
                colour[:, self.seen] = self.model.predict_proba(_matrix(frame, self.features))
            predicted[COLOUR] = colour
        return predicted


def fit_baselines(train: pd.DataFrame, classes: int, seed: int = 0) -> FittedBaselines:
    """Fit the baselines of `BASELINES`.

    ``majority class`` is certain of the most frequent training class (of equals the first);
    ``class prior`` predicts the training frequencies; ``colour statistics`` is a logistic
    regression on standardised colours. For two classes it weights patches equally, so that its
    scores are probabilities; the threshold, which the caller chooses on validation, sees to the
    balance. For more, the decision is the most probable class and metrics are macro averages, so
    classes are weighted equally.

    Args:
        train: One row per training patch: ``label`` (int, 0..k-1) and the measured `FEATURES`.
        classes: k, 2 or more.
        seed: Of the solver.

    Raises:
        DataError: There are no patches, labels are outside 0..k-1, or a feature is not a number.
    """
    labels = train["label"].to_numpy(np.int64)
    if not len(labels):
        raise DataError("train: there are no patches; the baselines have nothing to learn from.")
    if labels.min() < 0 or labels.max() >= classes:
        raise DataError(
            f"train: labels run from {labels.min()} to {labels.max()}; with {classes} classes they "
            f"must be 0 to {classes - 1}."
        )
    counts = np.bincount(labels, minlength=classes)
    features = tuple(name for name in FEATURES if name in train)
    model = None
    if features and (counts > 0).sum() > 1:
        model = make_pipeline(
            StandardScaler(),
            LogisticRegression(
                max_iter=MAX_ITERATIONS,
                class_weight="balanced" if classes > 2 else None,
                random_state=seed,
            ),
        )
        model.fit(_matrix(train, features), labels)
    return FittedBaselines(counts / counts.sum(), features, model, np.flatnonzero(counts))


def baseline_predictions(
    train: pd.DataFrame, val: pd.DataFrame, test: pd.DataFrame, classes: int | None = None
) -> pd.DataFrame:
    """Fit the baselines on one split and predict the two others.

    Args:
        train: See `fit_baselines`.
        val: A row a patch: ``label``, the features that `train` has, ``patient``
            and, where there are, ``path``, ``x``, ``y`` and ``row``; without ``row`` the frame's
            own index is taken for it.
        test: As `val`.
        classes: k; by default the number of classes in the labels of all three, at least 2.

    Returns:
        One row per baseline and patch, by baseline, ``val`` before ``test``: ``baseline``,
        ``split``, ``row`` (int64), ``path``, ``patient``, ``x``, ``y`` (where there are),
        ``label`` (int64) and ``score``. Two classes: ``score`` is the probability of class 1.
        More: ``score_0`` to ``score_<k-1>``, and ``score`` is the largest of them. No threshold
        is applied.

    Raises:
        DataError: As `fit_baselines` and `FittedBaselines.predict` raise it.
    """
    if classes is None:
        labels = [part["label"].max() for part in (train, val, test) if len(part)]
        classes = max(2, int(max(labels, default=1)) + 1)
    fitted = fit_baselines(train, classes)
    parts = []
    for split, part in (("val", val), ("test", test)):
        facts = _facts(part)
        for name, probabilities in fitted.predict(part).items():
            columns = {"baseline": name, "split": split, **facts, **_scores(probabilities)}
            parts.append(pd.DataFrame(columns))
    frame = pd.concat(parts, ignore_index=True)
    order = frame["baseline"].map(BASELINES.index).to_numpy().argsort(kind="stable")
    return frame.iloc[order].reset_index(drop=True)


def _facts(index: pd.DataFrame) -> dict[str, NDArray[np.generic]]:
    """The columns that identify a patch."""
    if "row" not in index:
        index = index.assign(row=index.index.to_numpy(np.int64))
    return {name: index[name].to_numpy() for name in KEPT if name in index}


def _scores(probabilities: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    if probabilities.shape[1] == 2:
        return {"score": probabilities[:, 1]}
    each = {f"score_{i}": column for i, column in enumerate(probabilities.T)}
    return {"score": probabilities.max(1), **each}


def _matrix(frame: pd.DataFrame, features: Sequence[str]) -> NDArray[np.float64]:
    """The features, float64 (N, features), all finite."""
    missing = [name for name in features if name not in frame]
    if missing:
        raise DataError(
            f"colour statistics: the column(s) {', '.join(missing)} were there in training and are "
            f"missing here; measure these patches too."
        )
    matrix = frame[list(features)].to_numpy(np.float64)
    broken = ~np.isfinite(matrix).all(0)
    if broken.any():
        name = features[int(broken.argmax())]
        rows = int((~np.isfinite(matrix[:, broken.argmax()])).sum())
        raise DataError(
            f"colour statistics: {name} is not a number in {rows:,} of {len(frame):,} rows; "
            f"measure these patches again, or leave the column out."
        )
    return matrix
