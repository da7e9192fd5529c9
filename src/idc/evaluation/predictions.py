"""The table of predictions: scores of each patch, and the decisions made from them."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from idc.data.datamodule import PatchDataModule
from idc.data.facts import COLOURS, SHARES
from idc.data.index import LABELS, POSITION, STAIN, is_multi_label
from idc.evaluation.decision import Decider
from idc.evaluation.inference import Inference, pool, predict
from idc.metrics.statistics import Prediction
from idc.models.network import Network

Probabilities = NDArray[np.float64]
BASE = ("path", "patient", *POSITION, "label", LABELS, "split")
FACTS = ("checks", STAIN, *COLOURS, *SHARES)
SMALLEST = 1e-12  # a probability whose logarithm is taken


def score_split(
    networks: Iterable[Network],
    data: PatchDataModule,
    split: str,
    inference: Inference,
    device: torch.device,
) -> pd.DataFrame:
    """Score the patches of a split, nothing decided yet; see `raw_predictions`.

    Args:
        networks: One network, or the members of an ensemble, whose probabilities are averaged.
        data: The loaders.
        split: ``val`` or ``test``.
        inference: Views and passes.
        device: Where to compute.
    """
    samples = pool([predict(n, data.eval_dataloader(split), device, inference) for n in networks])
    rows = data.rows(split)
    frame = raw_predictions(data.index, rows, samples.probabilities, samples.uncertainty)
    return with_labels(frame, data.members[rows])


def raw_predictions(
    index: pd.DataFrame,
    rows: NDArray[np.int64],
    probabilities: Probabilities,
    more: Mapping[str, NDArray[np.float64]] | None = None,
) -> pd.DataFrame:
    """The table of some patches' scores, nothing decided yet.

    Args:
        index: The index with ``split``.
        rows: The patches' rows in it, int64 (n,).
        probabilities: float64 (n, k).
        more: Further columns, such as measures of uncertainty.

    Returns:
        ``path``, ``patient``, ``label``, ``split``, ``row``, the patch's position and facts where
        the index has them, and the network's own probabilities: ``score_raw`` (that of the
        positive class) for two classes, ``score_raw_<class>`` for more. Where an image may have
        several labels, ``label`` is 1 if it has any, ``labels`` their names, and `with_labels`
        adds ``label_<class>``.
    """
    columns = [c for c in (*BASE, *FACTS) if c in index]
    frame = index.iloc[rows][columns].reset_index(drop=True)
    frame = frame.assign(row=rows)
    if "checks" in frame:
        frame["checks"] = frame["checks"].astype(str)
    return with_probabilities(frame, probabilities, "score_raw").assign(**(more or {}))


def with_labels(frame: pd.DataFrame, members: NDArray[np.bool_]) -> pd.DataFrame:
    """The frame with ``label_0``, ..., 0 or 1, where an image may have several labels."""
    if not is_multi_label(frame):
        return frame
    return frame.assign(**{f"label_{i}": of.astype(np.int64) for i, of in enumerate(members.T)})


def labels_of(frame: pd.DataFrame, classes: int, name: str = "label") -> NDArray[np.int64]:
    """The labels of predictions, int64 (n,), or (n, k) where an image may have several.

    Args:
        frame: See `raw_predictions`.
        classes: k.
        name: ``label``, or ``predicted`` for the decisions.
    """
    if is_multi_label(frame):
        return frame[[f"{name}_{i}" for i in range(classes)]].to_numpy(np.int64)
    return frame[name].to_numpy(np.int64)


def with_probabilities(
    frame: pd.DataFrame, probabilities: Probabilities, name: str
) -> pd.DataFrame:
    """The frame with a column for two classes, with k columns for more or for several labels."""
    if probabilities.shape[1] == 2 and not is_multi_label(frame):
        return frame.assign(**{name: probabilities[:, 1]})
    return frame.assign(**{f"{name}_{i}": p for i, p in enumerate(probabilities.T)})


def probabilities_of(frame: pd.DataFrame, classes: int, name: str = "score_raw") -> Probabilities:
    """The inverse of `with_probabilities`: float64 (n, k)."""
    if classes == 2 and not is_multi_label(frame):
        positive = frame[name].to_numpy(np.float64)
        return np.stack([1 - positive, positive], axis=1)
    return frame[[f"{name}_{i}" for i in range(classes)]].to_numpy(np.float64)


def prediction_of(frame: pd.DataFrame, classes: int, half: str = "") -> Prediction:
    """Scores and decisions of decided predictions, for the metrics.

    Args:
        frame: See `decide`.
        classes: k.
        half: Suffix of the metrics of decisions at a score of 0.5, for two classes or several
            labels; "" for none.
    """
    scores = probabilities_of(frame, classes, "score")
    decisions = {"": labels_of(frame, classes, "predicted")}
    if is_multi_label(frame):
        at_half = {half: (scores >= 0.5).astype(np.int64)} if half else {}
        return Prediction(scores, decisions | at_half)
    if classes > 2:
        return Prediction(scores, decisions)
    if half:
        decisions[half] = (scores[:, 1] >= 0.5).astype(np.int64)
    return Prediction(scores[:, 1], decisions)


def decide(frame: pd.DataFrame, decider: Decider, classes: int) -> pd.DataFrame:
    """Calibrate the scores of a table and decide.

    Args:
        frame: See `raw_predictions`.
        decider: Calibration and threshold.
        classes: k.

    Returns:
        The table with ``score`` (calibrated; of the positive class, or for k > 2 of the predicted
        one), ``score_<class>`` for k > 2, ``predicted`` and ``loss`` (log loss of the calibrated
        probabilities, without class weights: comparable between runs). Where an image may have
        several labels, ``score_<class>`` and ``predicted_<class>`` (0 or 1, at each label's
        threshold); ``score`` is the highest, ``predicted`` 1 if any is, ``loss`` their mean.
    """
    if is_multi_label(frame):
        return _decide_labels(frame, decider, classes)
    calibrated = decider.calibration.apply(probabilities_of(frame, classes))
    frame = with_probabilities(frame, calibrated, "score")
    predicted = calibrated.argmax(1)
    if decider.threshold is not None:
        predicted = (calibrated[:, 1] >= decider.threshold).astype(np.int64)
    if classes > 2:
        frame["score"] = calibrated.max(1)
    of_label = calibrated[np.arange(len(frame)), frame["label"]]
    return frame.assign(
        predicted=predicted.astype(np.int64), loss=-np.log(np.maximum(of_label, SMALLEST))
    )


def _decide_labels(frame: pd.DataFrame, decider: Decider, classes: int) -> pd.DataFrame:
    assert decider.thresholds is not None
    scores = decider.calibration.apply(probabilities_of(frame, classes), multi_label=True)
    called = decider.thresholds.decide(scores)
    has = labels_of(frame, classes) == 1
    of_label = np.where(has, scores, 1 - scores)
    frame = with_probabilities(frame, scores, "score")
    frame = frame.assign(**{f"predicted_{i}": of for i, of in enumerate(called.T)})
    return frame.assign(
        score=scores.max(1),
        predicted=called.max(1),
        loss=-np.log(np.maximum(of_label, SMALLEST)).mean(1),
    )
