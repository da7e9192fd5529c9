"""Score validation and test with a trained network, decide, and measure the decisions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from idc.config.build import Config, build
from idc.data.datamodule import PatchDataModule
from idc.data.material import Material
from idc.evaluation.baselines import Baselines, judge_baselines
from idc.evaluation.classification_report import write_report
from idc.evaluation.decision import Decider
from idc.evaluation.inference import Inference
from idc.evaluation.postprocess import decide_split, fit_decision
from idc.evaluation.predictions import score_split
from idc.evaluation.test_metrics import Numbers, take_numbers
from idc.models.network import Network
from idc.runtime.atomic import replacing, write_text

MOST_ROWS = 2000  # of a table that is written as text


@dataclass(frozen=True)
class Evaluation:
    """Predictions of one or several networks, and their metrics.

    Attributes:
        predictions: One row per patch of validation and test; see `idc.evaluation.predictions`.
        decider: Calibration and threshold; None for predictions pooled from several runs.
        numbers: The metrics of the test split, with all tables.
        material: The data, in the splits that were evaluated.
        baselines: Simple models on the same patches; None without training patches.
    """

    predictions: pd.DataFrame
    decider: Decider | None
    numbers: Numbers
    material: Material
    baselines: Baselines | None = None

    @property
    def threshold(self) -> float | None:
        """The chosen threshold; None for k > 2, several labels, and where each fold has its own."""
        return self.decider.threshold if self.decider else None

    @property
    def metrics(self) -> dict[str, float]:
        """All metrics, named as in MLflow."""
        chosen = {} if self.threshold is None else {"val/threshold": self.threshold}
        more = self.baselines.metrics if self.baselines else {}
        return {**self.numbers.metrics, **chosen, **more}

    @property
    def notes(self) -> list[str]:
        """Caveats of the metrics, in sentences."""
        return self.numbers.notes

    def split(self, split: str) -> pd.DataFrame:
        """The predictions of ``val`` or ``test``."""
        return self.predictions[self.predictions["split"] == split]


def evaluate(
    network: Network,
    material: Material,
    data: PatchDataModule,
    config: Config,
    device: torch.device,
) -> Evaluation:
    """Fit calibration and threshold on validation, and measure the decisions on test.

    Args:
        network: The trained network.
        material: The data.
        data: Their loaders; test runs on one device, each patch once.
        config: The resolved configuration; ``inference``, ``calibration``, ``threshold``,
            ``postprocess`` and ``intervals`` are read.
        device: Where to compute.

    Raises:
        DataError: Validation lacks a class.
    """
    inference: Inference = build(config["inference"], "inference")
    names, index = material.source.class_names, material.index
    val, test = (score_split([network], data, s, inference, device) for s in ("val", "test"))
    decider, size = fit_decision(val, names, config), material.source.patch_size
    val, test = (decide_split(frame, decider, len(names), size) for frame in (val, test))
    numbers = take_numbers(test, index, len(names), config, decider, material.leaky, names)
    baselines = judge_baselines(index, names, decider.rule)
    predictions = pd.concat([val, test], ignore_index=True)
    return Evaluation(predictions, decider, numbers, material, baselines)


def thinned(table: pd.DataFrame, rows: int = MOST_ROWS) -> pd.DataFrame:
    """A table of at most so many rows, evenly spaced: a curve has one row per patch."""
    if len(table) <= rows:
        return table
    return table.iloc[np.linspace(0, len(table) - 1, rows).round().astype(int)]


def save_evaluation(evaluation: Evaluation, folder: Path, class_names: Sequence[str]) -> None:
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
    write_report(evaluation.split("test"), class_names, folder)
    content = {
        "threshold": evaluation.threshold,
        "metrics": evaluation.metrics,
        "notes": evaluation.notes,
    }
    write_text(folder / "metrics.json", json.dumps(content, indent=2) + "\n")
