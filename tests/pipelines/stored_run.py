"""Finished runs as they lie in their folders, written without any training."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import torch
from mlflow.entities import Run, RunData, RunInfo, RunTag

from idc.config.stored import storable
from idc.data.split.base import splits_of_patients
from idc.evaluation.decision import Decider
from idc.evaluation.inference import Inference
from idc.evaluation.predictions import decide, score_split
from idc.metrics.calibration import Calibration
from idc.metrics.threshold import ThresholdRule
from idc.pipelines.build import build_network
from idc.pipelines.dataset import load_material
from idc.pipelines.resume import split_identity
from idc.pipelines.scoring import scoring_data
from idc.runtime.digests import seal
from idc.runtime.outcome import Outcome
from idc.tracking.mlflow_store import MlflowStore
from idc.tracking.privacy import Redactor
from idc.tracking.run_protocol import Run as IdcRun

SMALL = ("data.patients=5", "data.patches_per_patient=12", "backbone=simple_cnn")
SCORING = {"device": "cpu", "loader": {"eval_batch_size": 64}, "known_patients": "fail"}
CPU = torch.device("cpu")
DECIDER = Decider(Calibration("none"), 0.4, ThresholdRule("max_f1"), Inference())
CLASSES = ("no IDC", "IDC")
# What Lightning would need to train on.
TRAINED: dict[str, Any] = {
    "pytorch-lightning_version": "2.6.6",
    "loops": {},
    "callbacks": {},
    "optimizer_states": [],
    "lr_schedulers": [],
}


@dataclass
class LoggedRun(IdcRun):
    """Keeps what is logged."""

    run_id: str | None = "a"
    store: MlflowStore | None = None
    logged: dict[str, Any] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def params(self, values: Mapping[str, Any]) -> None:
        self.logged |= values

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        self.logged |= values

    def tags(self, values: Mapping[str, Any]) -> None:
        self.logged |= values

    def artifacts(self, path: Path, under: str = "") -> None:
        files = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
        base = path if path.is_dir() else path.parent
        self.files += [str(Path(under) / file.relative_to(base)) for file in files]

    def model(self, folder: Path) -> None:
        self.files.append("model")

    def dataset(self, name: str, digest: str, context: str, profile: str, schema: str) -> None:
        self.logged[f"dataset {context}"] = digest

    def lightning_logger(self) -> Literal[False]:
        return False

    def end(self, status: str) -> None:
        self.ended.append(status)


def record_of(run_id: str, status: str = "FINISHED", **tags: str) -> Run:
    """What MLflow holds of a run, without MLflow."""
    info = RunInfo(run_id, "0", "tester", status, 0, 1, "active", run_name=f"name of {run_id}")
    return Run(info, RunData(tags=[RunTag(key, value) for key, value in tags.items()]))


def store_at(root: Path) -> MlflowStore:
    """A store that is never asked: all files are in the runs' own folders."""
    return MlflowStore("sqlite:///nowhere.db", "0", Redactor(True, None, root))


def present(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a command that uses a run later."""
    own = {"choices": {**config["choices"], "data": "run"}, "data": {"root": None}}
    return {**config, **SCORING, **own}


def write_run(config: dict[str, Any], run_id: str = "a", seed: int = 0) -> Run:
    """Write what a training leaves: checkpoint, decision, predictions, outcome.

    Args:
        config: Composed, with ``paths.root``.
        run_id: The run's id and the name of its folder.
        seed: Of the weights.
    """
    material = load_material(config)
    torch.manual_seed(seed)
    network = build_network(config, 2, ([0.5] * 3, [0.2] * 3)).eval()
    folder = Path(config["paths"]["root"]) / "runs" / run_id
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "evaluation").mkdir()
    origin = {
        "config": storable(Redactor(True, None, folder).config(config)),
        "mirrors": {},
        "splits": splits_of_patients(material.used),
        "split": split_identity(material.used),
        "fingerprint": material.fingerprint,
        "history": [],
        "run_id": run_id,
    }
    state = {f"network.{name}": value for name, value in network.state_dict().items()}
    for number, name in enumerate(("best", "last")):
        content: dict[str, Any] = {"state_dict": state, "idc": origin, **TRAINED}
        content |= {"epoch": number, "global_step": 10 + number}
        seal(content)
        torch.save(content, folder / "checkpoints" / f"{name}.ckpt")
    DECIDER.save(folder / "evaluation")
    data = scoring_data(material, {**config, **SCORING})
    frames = [
        decide(score_split([network], data, split, Inference(), CPU), DECIDER, 2)
        for split in ("val", "test")
    ]
    predictions = pd.concat(frames, ignore_index=True)
    predictions.to_parquet(folder / "evaluation" / "predictions.parquet")
    Outcome(f"name of {run_id}", "FINISHED", run_id).save(folder)
    tags = {"idc.folder": f"runs/{run_id}", "data.class_names": json.dumps(CLASSES)}
    return record_of(run_id, **tags)
