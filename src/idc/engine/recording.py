"""What a run leaves behind: first in its folder, then, the same layout, in MLflow."""

import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from matplotlib.figure import Figure

from idc.data.datamodule import PatchDataModule
from idc.data.facts import COLOURS, HASHES, SHARES
from idc.data.sources.base import FILE_FACTS
from idc.data.split import SIDES
from idc.engine.callbacks import CHECKPOINTS
from idc.engine.config import Config
from idc.engine.evaluation import Evaluation, save_evaluation
from idc.engine.explaining import explain_cases
from idc.engine.figures import (
    data_figures,
    evaluation_figures,
    learning_figures,
    save_figure,
)
from idc.engine.material import Material
from idc.engine.resume import FOLDER_TAG
from idc.models.history import History
from idc.models.network import Network, Scorer
from idc.tracking.facts import flatten, origin_tags
from idc.tracking.model import log_model
from idc.tracking.run import Run

log = logging.getLogger(__name__)
EXAMPLES = 4  # patches in the logged model's input example
NOT_IN_SPLIT = ("problem", "twin", *FILE_FACTS, *COLOURS, *SHARES, *HASHES)
NOT_PARAMETERS = ("paths", "store", "choices", "tracking", "sweep", "resume", "name")


def record_inputs(
    run: Run,
    config: Config,
    settings: Mapping[str, str],
    material: Material,
    data: PatchDataModule,
    folder: Path,
    again: bool = False,
) -> None:
    """Configuration, origin, split, data and their figures.

    Args:
        run: The run.
        config: The resolved configuration.
        settings: The swept values.
        material: The data.
        data: The loaders.
        folder: The run's folder.
        again: The run is gone on with: it keeps its settings, and its data are known.
    """
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    run.artifacts(folder / "config.yaml")
    run.params({k: v for k, v in config["choices"].items() if v is not None})
    run.params(parameters(config))
    run.params(settings)
    run.params(_split_parameters(material))
    run.tags(origin_tags())
    run.tags(
        {
            "data.fingerprint": material.fingerprint,
            "data.notes": json.dumps(material.decisions.notes()),
            "data.class_names": json.dumps(material.source.class_names),
            "leaky": str(material.leaky).lower(),
            FOLDER_TAG: folder.resolve(),
        }
    )
    if not again:
        run.tags({"idc.settings": json.dumps(settings)})
    split = material.used.drop(columns=[c for c in NOT_IN_SPLIT if c in material.index])
    split.to_parquet(folder / "split.parquet", index=False)
    run.artifacts(folder / "split.parquet")
    schema = json.dumps({"mlflow_colspec": [{"name": c, "type": "string"} for c in split]})
    for side in () if again else SIDES:
        part = material.rows(side)
        profile = {
            "patches": len(part),
            "patients": int(part["group"].nunique()),
            **{
                f"class {i} ({name})": int((part["label"] == i).sum())
                for i, name in enumerate(material.source.class_names)
            },
        }
        digest = f"{material.fingerprint}-{side}"
        run.dataset(material.source.name, digest, side, json.dumps(profile), schema)
    _save_figures(data_figures(material, data, config["seed"]), folder / "data")
    run.artifacts(folder / "data", "data")


def parameters(config: Config) -> dict[str, Any]:
    """What a reader compares runs by: every value, without the wiring that ``config.yaml`` keeps.

    Args:
        config: The resolved configuration.

    Returns:
        Dotted names to values. Python paths and the copies of values that a data source gets are
        left out; augmentations are named.
    """
    chosen = {k: v for k, v in config.items() if k not in NOT_PARAMETERS}
    flat = {
        name: value
        for name, value in flatten(chosen).items()
        if not name.startswith("data.source.") and not name.rpartition(".")[2].startswith("_")
    }
    transforms = [node["_target_"].rpartition(".")[2] for node in config["augment"]["transforms"]]
    return {**flat, "augment.transforms": ", ".join(transforms) or "none"}


def record_training(run: Run, config: Config, history: History, folder: Path) -> None:
    """Learning curves and checkpoints, also of a training that was cut short."""
    table = history.table()
    if table.empty:
        return
    target = folder / "training"
    target.mkdir(exist_ok=True)
    table.to_csv(target / "history.csv", index=False)
    monitor = config["monitor"]
    _save_figures(learning_figures(history, monitor["metric"], monitor["mode"]), target)
    run.artifacts(target, "training")
    if config["tracking"]["log_checkpoints"]:
        run.artifacts(folder / CHECKPOINTS, CHECKPOINTS)


def record_results(
    run: Run,
    config: Config,
    network: Network,
    evaluation: Evaluation,
    material: Material,
    data: PatchDataModule,
    folder: Path,
) -> None:
    """Metrics, predictions, figures, attributions and the model."""
    run.metrics(evaluation.metrics)
    run.metrics(_patient_metrics(evaluation))
    target = folder / "evaluation"
    save_evaluation(evaluation, target)
    _save_figures(evaluation_figures(evaluation, material.patches, data.class_names), target)
    run.artifacts(target, "evaluation")
    device = next(network.parameters()).device
    explained = explain_cases(
        network, evaluation, material.patches, data.class_names, config, device, folder
    )
    if explained is not None:
        run.artifacts(explained, "explain")
    if config["tracking"]["log_model"]:
        rows = data.rows("test")[:EXAMPLES]
        if len(rows) < 2:
            rows = data.rows("train")[:EXAMPLES]
        example = np.ascontiguousarray(material.patches[rows].transpose(0, 3, 1, 2))
        scorer = Scorer(network).cpu().eval().to(memory_format=torch.contiguous_format)
        log_model(run, scorer, example, len(data.class_names))


def _save_figures(figures: Iterable[tuple[str, Figure]], folder: Path) -> None:
    for name, figure in figures:
        save_figure(figure, folder / f"{name}.png")


def _split_parameters(material: Material) -> dict[str, int | str]:
    parameters: dict[str, int | str] = {}
    for side in SIDES:
        part = material.rows(side)
        parameters[f"split.{side}.patches"] = len(part)
        parameters[f"split.{side}.patients"] = int(part["group"].nunique())
        for i in range(len(material.source.class_names)):
            parameters[f"split.{side}.class_{i}"] = int((part["label"] == i).sum())
        for patient, rows in part.groupby("group"):
            counts = rows["label"].value_counts()
            named = enumerate(material.source.class_names)
            text = ", ".join(f"{counts.get(i, 0)} {name}" for i, name in named)
            parameters[f"split.{side}.patient_{patient}"] = text
    return parameters


def _patient_metrics(evaluation: Evaluation) -> dict[str, float]:
    table = evaluation.per_patient
    both = table[(table["positive"] > 0) & (table["positive"] < 1)]
    metrics = {}
    for name in ("recall", "auroc"):
        if table[name].notna().any():
            metrics[f"test/worst_patient_{name}"] = float(table[name].min())
    for _, row in both.iterrows():
        for name in ("auroc", "recall", "f1", "balanced_accuracy"):
            metrics[f"test/patient_{row['patient']}/{name}"] = float(row[name])
    return metrics
