"""A trained network is asked about validation and test: scores, decisions, what they are worth."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from idc.config.build import Config, build
from idc.data.datamodule import PatchDataModule
from idc.evaluation.baselines import Baselines, judge_baselines
from idc.evaluation.decision import Decider, fit_decider
from idc.evaluation.inference import Inference, predict
from idc.evaluation.predictions import decide, probabilities_of, raw_predictions
from idc.evaluation.test_metrics import Numbers, take_numbers
from idc.models.network import Network
from idc.runtime.atomic import replacing, write_text

MOST_ROWS = 2000  # of a table that is written as text


@dataclass(frozen=True)
class Evaluation:
    """What a trained network did.

    Attributes:
        predictions: A row a patch of validation and test; see `idc.evaluation.predictions`.
        decider: Calibration and threshold; None for predictions pooled from several runs.
        numbers: The metrics of the test split, with all tables.
        baselines: What needs no network to say, on the same patches; None where the training
            patches are not at hand.
    """

    predictions: pd.DataFrame
    decider: Decider | None
    numbers: Numbers
    baselines: Baselines | None = None

    @property
    def threshold(self) -> float | None:
        """The chosen threshold; None for k > 2 and where each fold has its own."""
        return self.decider.threshold if self.decider else None

    @property
    def metrics(self) -> dict[str, float]:
        """All metrics, named as MLflow shows them."""
        chosen = {} if self.threshold is None else {"val/threshold": self.threshold}
        more = self.baselines.metrics if self.baselines else {}
        return {**self.numbers.metrics, **chosen, **more}

    @property
    def notes(self) -> list[str]:
        """Sentences that the metrics must not be read without."""
        return self.numbers.notes

    def split(self, split: str) -> pd.DataFrame:
        """The predictions of ``val`` or ``test``."""
        return self.predictions[self.predictions["split"] == split]


def evaluate(
    network: Network,
    data: PatchDataModule,
    config: Config,
    device: torch.device,
    leaky: bool = False,
) -> Evaluation:
    """Score validation and test, fit calibration and threshold on the one, judge on the other.

    Args:
        network: The trained network.
        data: The loaders; test runs on one device, each patch once.
        config: The resolved configuration.
        device: Where to compute.
        leaky: Whether patients are in two splits.
    """
    how: Inference = build(config["inference"], "inference")
    frames = {split: score_split(network, data, split, how, device) for split in ("val", "test")}
    return judge(frames["val"], frames["test"], data, config, leaky)


def score_split(
    network: Network, data: PatchDataModule, split: str, how: Inference, device: torch.device
) -> pd.DataFrame:
    """What a network says of the patches of a split; see `raw_predictions`."""
    said = predict(network, data.eval_dataloader(split), device, how)
    return raw_predictions(data.index, data.rows(split), said.probabilities, said.uncertainty)


def judge(
    val: pd.DataFrame, test: pd.DataFrame, data: PatchDataModule, config: Config, leaky: bool
) -> Evaluation:
    """Calibration and threshold from validation, the verdict from test.

    Args:
        val: What was said of the validation split; see `raw_predictions`.
        test: The same of the test split.
        data: For the whole index.
        config: The resolved configuration.
        leaky: Whether patients are in two splits.
    """
    classes = len(data.class_names)
    labels = val["label"].to_numpy()
    decider = fit_decider(labels, probabilities_of(val, classes), config)
    val, test = (decide(frame, decider, classes) for frame in (val, test))
    positive = data.class_names[1]
    numbers = take_numbers(test, data.index, classes, config, decider, leaky, positive)
    baselines = judge_baselines(data.index, classes, decider.rule)
    predictions = pd.concat([val, test], ignore_index=True)
    return Evaluation(predictions, decider, numbers, baselines)


def thinned(table: pd.DataFrame, rows: int = MOST_ROWS) -> pd.DataFrame:
    """A table of at most so many rows, evenly spaced: a curve has one a patch."""
    if len(table) <= rows:
        return table
    return table.iloc[np.linspace(0, len(table) - 1, rows).round().astype(int)]


def save_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write predictions, decision, metrics and tables."""
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "predictions.parquet") as path:
        evaluation.predictions.to_parquet(path, index=False)
    if evaluation.decider is not None:
        evaluation.decider.save(folder)
    if evaluation.baselines is not None:
        with replacing(folder / "baselines.parquet") as path:
            evaluation.baselines.predictions.to_parquet(path, index=False)
    for name, table in evaluation.numbers.tables.items():
        if len(table):
            with replacing(folder / f"{name}.csv") as path:
                thinned(table).to_csv(path, index=False, float_format="%.6g")
    content = {
        "threshold": evaluation.threshold,
        "metrics": evaluation.metrics,
        "notes": evaluation.notes,
    }
    write_text(folder / "metrics.json", json.dumps(content, indent=2) + "\n")
