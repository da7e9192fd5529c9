"""Scores, decisions and numbers: the threshold from validation, the verdict from test."""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from idc.data.datamodule import PatchDataModule
from idc.data.dataset import Batch
from idc.engine.config import Config, build
from idc.metrics.collection import METRIC_NAMES, build_metrics, scores_for_metrics
from idc.metrics.intervals import bootstrap
from idc.models.network import Network, Scorer

log = logging.getLogger(__name__)
AREAS = ("auroc", "average_precision")  # over all thresholds
AT_THRESHOLD = tuple(name for name in METRIC_NAMES if name not in AREAS)


@dataclass(frozen=True)
class Evaluation:
    """What a trained network did.

    Attributes:
        predictions: A row a patch of validation and test: ``path``, ``patient``, ``x``, ``y``,
            ``label``, ``score`` (positive class, or the predicted class's for k > 2),
            ``predicted``, ``split``, ``row`` (of the index) and, for k > 2, ``score_<class>``.
        threshold: Chosen on validation; None for k > 2.
        metrics: ``test/...`` and ``val/threshold``, named as in DESIGN.
        per_patient: Metrics a test patient, worst recall first.
        notes: Sentences that the numbers must not be read without.
    """

    predictions: pd.DataFrame
    threshold: float | None
    metrics: dict[str, float]
    per_patient: pd.DataFrame
    notes: list[str]

    def side(self, side: str) -> pd.DataFrame:
        """The predictions of ``val`` or ``test``."""
        return self.predictions[self.predictions["split"] == side]


def predict(
    network: Network, batches: Iterable[Batch], device: torch.device
) -> NDArray[np.float64]:
    """Probabilities in float32 arithmetic, whatever training used, as float64 (N, k)."""
    scorer = Scorer(network).to(device).eval()
    with torch.inference_mode():
        parts = [
            scorer(batch["image"].to(device, non_blocking=True)).cpu().double() for batch in batches
        ]
    return torch.cat(parts).numpy()


def evaluate(
    network: Network, data: PatchDataModule, config: Config, device: torch.device
) -> Evaluation:
    """Score validation and test, choose the threshold, take the metrics.

    Args:
        network: The trained network.
        data: The loaders; test runs on one device, each patch once.
        config: The resolved configuration.
        device: Where to compute.
    """
    frames = [
        _predictions(data, side, predict(network, data.eval_dataloader(side), device))
        for side in ("val", "test")
    ]
    predictions = pd.concat(frames, ignore_index=True)
    val, test = frames
    classes = len(data.class_names)
    threshold: float | None = None
    if classes == 2:
        rule = build(config["threshold"], "threshold")
        threshold = rule.choose(val["label"].to_numpy(), val["score"].to_numpy())
        predictions["predicted"] = (predictions["score"] >= threshold).astype(np.int64)
    metrics, notes = _test_metrics(test, threshold, classes)
    if threshold is not None:
        metrics["val/threshold"] = threshold
        if test["label"].nunique() == 2 and config["intervals"]["draws"]:
            metrics |= _intervals(test, threshold, config, notes)
    rows = predictions[predictions["split"] == "test"]
    return Evaluation(
        predictions, threshold, metrics, per_patient_table(rows, threshold, classes), notes
    )


def _predictions(data: PatchDataModule, side: str, p: NDArray[np.float64]) -> pd.DataFrame:
    rows = data.rows(side)
    frame = data.index.iloc[rows][["path", "group", "x", "y", "label", "split"]].reset_index(
        drop=True
    )
    frame = frame.rename(columns={"group": "patient"}).assign(row=rows)
    frame["predicted"] = p.argmax(1)
    frame["score"] = p[:, 1] if p.shape[1] == 2 else p.max(1)
    # The loss of the score itself, without class weights: comparable between runs.
    frame["loss"] = -np.log(np.maximum(p[np.arange(len(p)), frame["label"]], 1e-12))
    if p.shape[1] > 2:
        for i in range(p.shape[1]):
            frame[f"score_{i}"] = p[:, i]
    return frame


def metrics_at(frame: pd.DataFrame, threshold: float | None, classes: int) -> dict[str, float]:
    """The collection's metrics of some predictions; what a missing class leaves undefined is NaN.

    Args:
        frame: Predictions, see `Evaluation`.
        threshold: ``score >= threshold`` is positive; None for k > 2.
        classes: k.
    """
    labels = torch.tensor(frame["label"].to_numpy(np.int64))
    collection = build_metrics(classes)
    if classes == 2:
        # Decisions as scores of 0 and 1, so that every threshold cuts alike, 0 and 1 too; areas
        # come from the scores themselves.
        scores = torch.tensor(frame["score"].to_numpy(np.float64))
        collection.update((scores >= (0.5 if threshold is None else threshold)).double(), labels)
        values = collection.compute()
        collection.reset()
        collection.update(scores, labels)
        values |= {name: collection[name].compute() for name in AREAS}
    else:
        columns = frame[[f"score_{i}" for i in range(classes)]].to_numpy(np.float64)
        collection.update(scores_for_metrics(torch.tensor(columns)), labels)
        values = collection.compute()
    values = {name: float(value) for name, value in values.items()}
    present = set(frame["label"])
    if len(present) < classes:
        undefined = list(AREAS)
        if classes == 2:
            undefined += ["balanced_accuracy"]
            undefined += ["specificity"] if 1 in present else ["recall", "precision", "f1"]
        values |= dict.fromkeys(undefined, float("nan"))
    return values


def _test_metrics(
    test: pd.DataFrame, threshold: float | None, classes: int
) -> tuple[dict[str, float], list[str]]:
    metrics = {f"test/{k}": v for k, v in metrics_at(test, threshold, classes).items()}
    metrics["test/loss"] = float(test["loss"].mean())
    if classes == 2:
        at_half = metrics_at(test, 0.5, classes)
        metrics |= {f"test/{k}_at_0.5": at_half[k] for k in AT_THRESHOLD}
    notes = []
    if test["label"].nunique() < classes:
        notes.append("The test side lacks a class: some metrics are undefined and left out.")
    return {k: v for k, v in metrics.items() if np.isfinite(v)}, notes


def _intervals(
    test: pd.DataFrame, threshold: float, config: Config, notes: list[str]
) -> dict[str, float]:
    asked = config["intervals"]
    found = bootstrap(
        test["label"].to_numpy(),
        test["score"].to_numpy(),
        test["patient"].to_numpy(object),
        threshold,
        asked["draws"],
        asked["level"],
        config["seed"],
    )
    notes.append(
        f"Intervals: {asked['level']:.0%} bootstrap over {found.units} test {found.unit}"
        f"{'es' if found.unit == 'patch' else 's'}."
    )
    if found.optimistic:
        patients = test["patient"].nunique()
        notes.append(
            f"The test side has only {patients} patient{'' if patients == 1 else 's'}; intervals "
            f"over patches are too narrow for new patients."
        )
    return {
        f"test/{name}_ci_{end}": value
        for name, bounds in found.bounds.items()
        for end, value in zip(("low", "high"), bounds, strict=True)
    }


def per_patient_table(test: pd.DataFrame, threshold: float | None, classes: int) -> pd.DataFrame:
    """Metrics a patient: what is undefined because a patient lacks a class is NaN.

    Args:
        test: Predictions of the test side.
        threshold: The chosen one; None for k > 2.
        classes: k.

    Returns:
        ``patient``, ``patches``, ``positive`` (share of label > 0), then for two classes recall,
        specificity, precision, f1, balanced_accuracy at the chosen threshold and ``_at_0.5``,
        auroc, average_precision; for k > 2 the macro metrics.
    """
    rows: list[dict[str, Any]] = []
    for patient, part in test.groupby("patient", sort=True):
        at_chosen = metrics_at(part, threshold, classes)
        row: dict[str, Any] = {
            "patient": patient,
            "patches": len(part),
            "positive": float((part["label"] > 0).mean()),
        }
        if classes == 2:
            at_half = metrics_at(part, 0.5, classes)
            row |= {k: at_chosen[k] for k in AT_THRESHOLD}
            row |= {f"{k}_at_0.5": at_half[k] for k in AT_THRESHOLD}
            row |= {k: at_chosen[k] for k in AREAS}
        else:
            row |= at_chosen
        rows.append(row)
    return pd.DataFrame(rows).sort_values("recall", na_position="last", ignore_index=True)


def save_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write ``predictions.parquet``, ``per_patient.csv`` and ``metrics.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    evaluation.predictions.to_parquet(folder / "predictions.parquet", index=False)
    evaluation.per_patient.to_csv(folder / "per_patient.csv", index=False, float_format="%.6g")
    content = {
        "threshold": evaluation.threshold,
        "metrics": evaluation.metrics,
        "notes": evaluation.notes,
    }
    (folder / "metrics.json").write_text(json.dumps(content, indent=2) + "\n")
