"""The table of predictions: scores of each patch, and the decisions made from them."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from idc.data.datamodule import PatchDataModule
from idc.data.facts import COLOURS, SHARES
from idc.data.index import POSITION, STAIN
from idc.evaluation.decision import Decider
from idc.evaluation.inference import Inference, pool, predict
from idc.metrics.statistics import Prediction
from idc.models.network import Network

Probabilities = NDArray[np.float64]
BASE = ("path", "patient", *POSITION, "label", "split")
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
    return raw_predictions(data.index, rows, samples.probabilities, samples.uncertainty)


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
        positive class) for two classes, ``score_raw_<class>`` for more.
    """
    columns = [c for c in (*BASE, *FACTS) if c in index]
    frame = index.iloc[rows][columns].reset_index(drop=True)
    frame = frame.assign(row=rows)
    if "checks" in frame:
        frame["checks"] = frame["checks"].astype(str)
    return with_probabilities(frame, probabilities, "score_raw").assign(**(more or {}))


def with_probabilities(
    frame: pd.DataFrame, probabilities: Probabilities, name: str
) -> pd.DataFrame:
    """The frame with a column for two classes, with k columns for more."""
    if probabilities.shape[1] == 2:
        return frame.assign(**{name: probabilities[:, 1]})
    return frame.assign(**{f"{name}_{i}": p for i, p in enumerate(probabilities.T)})


def probabilities_of(frame: pd.DataFrame, classes: int, name: str = "score_raw") -> Probabilities:
    """The inverse of `with_probabilities`: float64 (n, k)."""
    if classes == 2:
        positive = frame[name].to_numpy(np.float64)
        return np.stack([1 - positive, positive], axis=1)
    return frame[[f"{name}_{i}" for i in range(classes)]].to_numpy(np.float64)


def prediction_of(frame: pd.DataFrame, classes: int, half: str = "") -> Prediction:
    """Scores and decisions of decided predictions, for the metrics.

    Args:
        frame: See `decide`.
        classes: k.
        half: Suffix of the metrics of decisions at a score of 0.5, for two classes; "" for none.
    """
    scores = probabilities_of(frame, classes, "score")
    decisions = {"": frame["predicted"].to_numpy(np.int64)}
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
        probabilities, without class weights: comparable between runs).
    """
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
