"""Suspected label errors: labels contradicted by readers or, before any review, by the model."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.index import POSITION
from idc.reader_study.answer import ReviewError
from idc.reader_study.votes import NONE, count_votes, predictions_of

HELD_OUT = ("val", "test")
KEPT = ("path", "patient", *POSITION, "split")


def reader_suspects(
    answers: pd.DataFrame, predictions: pd.DataFrame, classes: int = 2
) -> pd.DataFrame:
    """Cases whose label is contradicted by the majority of the readers who are sure.

    Predictions have ``path``, ``patient``, ``x``, ``y``, ``split``, ``label``, ``predicted`` and
    ``score`` (calibrated; and ``score_<class>`` for more than two classes).

    Returns:
        One row per suspect, strongest first: sorted by ``margin``, then ``model_agrees``, then
        ``model_confidence``. Columns: ``rank`` (from 1), ``path``, ``patient``, ``x``, ``y``,
        ``split``; ``label`` and ``readers_say`` (int64, class of the label and of the majority);
        ``against`` (readers who chose ``readers_say``), ``for_label`` (readers who chose the
        label), ``unsure`` and ``readers`` (all who answered); ``margin`` (``against`` minus
        ``for_label``); ``predicted`` (at the threshold), ``model_agrees`` (bool: with the
        majority), ``model_confidence`` (the model's probability, in [0, 1], of the majority's
        class); ``remarks`` (joined by " | ").

    Raises:
        ReviewError: The answers belong to another run.
    """
    votes = count_votes(answers, classes)
    data = predictions_of(predictions, list(votes.index))
    label, says = data["label"].to_numpy(np.int64), votes["majority"].to_numpy(np.int64)
    counts = votes[[f"votes_{k}" for k in range(classes)]].to_numpy(np.int64)
    probabilities = class_probabilities(data, classes)
    rows = np.arange(len(votes))
    remarks = answers[answers["remark"] != ""].groupby("case", sort=False)["remark"]
    joined = remarks.agg(" | ".join).reindex(votes.index, fill_value="")
    against, in_favour = votes["votes"].to_numpy(np.int64), counts[rows, label]
    predicted = data["predicted"].to_numpy(np.int64)
    table = _kept(data.reset_index()).assign(
        label=label,
        readers_say=says,
        against=against,
        for_label=in_favour,
        unsure=votes["unsure"].to_numpy(np.int64),
        readers=votes["readers"].to_numpy(np.int64),
        margin=against - in_favour,
        predicted=predicted,
        model_agrees=predicted == says,
        model_confidence=probabilities[rows, says],
        remarks=joined.to_numpy(object),
    )
    suspects = table[(says != NONE) & (says != label)]
    return _ranked(suspects, ["margin", "model_agrees", "model_confidence"])


def model_suspects(predictions: pd.DataFrame, classes: int = 2) -> pd.DataFrame:
    """Patches whose label the model contradicts most, for review.

    Confident learning (Northcutt, Jiang & Chuang 2021, "Confident Learning: Estimating
    Uncertainty in Dataset Labels", JAIR 70): a patch is confidently of a class if its probability
    for it is at least the mean of that probability over the patches with that label. A suspect is
    confidently of another class than its label; of several such classes the likeliest counts.
    Only patches outside the training split are considered. No patch is confidently of a class
    without patches. Predictions are as for `reader_suspects`.

    Returns:
        One row per suspect, by the normalised margin of Northcutt et al., largest first: ``rank``
        (from 1), ``path``, ``patient``, ``x``, ``y``, ``split``, ``label``, ``suggested`` (int64,
        the class that the model is confident of), ``predicted`` (at the threshold),
        ``probability`` (of the suggested class, in [0, 1]), ``threshold`` (lowest probability at
        which the model is confident of that class) and ``margin`` (``probability`` minus that of
        the label, in [-1, 1]).
    """
    data = predictions[predictions["split"].isin(HELD_OUT)].reset_index(drop=True)
    label = data["label"].to_numpy(np.int64)
    probabilities = class_probabilities(data, classes)
    own = pd.Series(probabilities[np.arange(len(data)), label]).groupby(label).mean()
    thresholds = own.reindex(range(classes), fill_value=np.inf).to_numpy()
    rows = np.arange(len(data))
    confident = probabilities >= thresholds
    of_confident = np.where(confident, probabilities, -1.0)
    suggested = of_confident.argmax(axis=1)
    likeliest = of_confident[rows, suggested]
    table = _kept(data).assign(
        label=label,
        suggested=suggested,
        predicted=data["predicted"].to_numpy(np.int64),
        probability=likeliest,
        threshold=thresholds[suggested],
        margin=likeliest - probabilities[rows, label],
    )
    return _ranked(table[(likeliest >= 0) & (suggested != label)], ["margin", "probability"])


def class_probabilities(predictions: pd.DataFrame, classes: int) -> NDArray[np.float64]:
    """Calibrated probabilities, float64 (n, k), from a table of predictions.

    Raises:
        ReviewError: The table lacks a class's scores.
    """
    names = ["score"] if classes == 2 else [f"score_{k}" for k in range(classes)]
    if lacking := [name for name in names if name not in predictions]:
        raise ReviewError(f"predictions: column {lacking[0]} is missing for {classes} classes.")
    values = predictions[names].to_numpy(np.float64)
    return np.concatenate([1 - values, values], axis=1) if classes == 2 else values


def _kept(data: pd.DataFrame) -> pd.DataFrame:
    return data[[name for name in KEPT if name in data]]


def _ranked(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    # Ties are sorted by path, so that the order of the answers does not matter.
    ordered = table.sort_values(
        [*by, "path"], ascending=[False] * len(by) + [True], kind="stable", ignore_index=True
    )
    ordered.insert(0, "rank", np.arange(1, len(ordered) + 1))
    return ordered
