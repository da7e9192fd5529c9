"""Going on with a run: its configuration, its last checkpoint, its place in MLflow."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from idc.engine.callbacks import BEST, LAST
from idc.engine.config import Config
from idc.errors import CheckpointError, ConfigError
from idc.models.weights import safe_load
from idc.tracking.lookup import fetch_artifact, find_run
from idc.tracking.store import Store

# What may differ from the run that is gone on with, without a word on the command line.
TAKEN_FROM_NOW = ("paths", "tracking", "resume", "sweep")
FILED = "checkpoints"


@dataclass(frozen=True)
class ResumePoint:
    """Where to go on.

    Attributes:
        config: The run's own configuration, with what the command line changes.
        run_id: The MLflow run to go on in, or None.
        checkpoint: The checkpoint, already in the new folder.
    """

    config: Config
    run_id: str | None
    checkpoint: Path


def resume_point(
    reference: str, now: Config, overrides: Sequence[str], store: Store | None, folder: Path
) -> ResumePoint:
    """Find what to go on from and bring it into this run's folder.

    Args:
        reference: A run id or a checkpoint file.
        now: The configuration that the command line composed.
        overrides: The command line's overrides.
        store: The MLflow store, or None.
        folder: This run's folder.

    Raises:
        CheckpointError: There is no such run or file, or the file is none of ours.
        ConfigError: An override would change what a resume must keep.
    """
    path = Path(reference)
    if path.is_file():
        content = safe_load(path, "resume")
        if "idc" not in content:
            raise CheckpointError(f"resume: {path} is no checkpoint of an idc run.")
        origin: Mapping[str, Any] = content["idc"]
        run_id = origin.get("run_id") if store is not None and _known(store, origin) else None
        best: Path | None = path.with_name(BEST)
    else:
        if store is None or "/" in reference or reference.endswith(".ckpt"):
            raise CheckpointError(
                f"resume={reference}: there is no such file, and a run id needs tracking."
            )
        run_id = str(find_run(store, reference).info.run_id)
        path = fetch_artifact(store, run_id, f"{FILED}/{LAST}", folder / "resumed")
        content = safe_load(path, "resume")
        origin = content["idc"]
        best = fetch_artifact(store, run_id, f"{FILED}/{BEST}", folder / "resumed")
    config = _merge(origin["config"], now, overrides)
    checkpoint = _move_in(content, path, best, folder / FILED)
    return ResumePoint(config, run_id, checkpoint)


def _known(store: Store, origin: Mapping[str, Any]) -> bool:
    try:
        return origin.get("run_id") is not None and bool(find_run(store, str(origin["run_id"])))
    except CheckpointError:
        return False


def _merge(then: Mapping[str, Any], now: Config, overrides: Sequence[str]) -> Config:
    """The run's configuration with today's places and the command line's values."""
    merged = OmegaConf.create({**then, **{key: now[key] for key in TAKEN_FROM_NOW}})
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        key = override.key_or_group
        if key.split(".")[0] in TAKEN_FROM_NOW:
            continue
        if key in then["choices"]:
            if override.value() == then["choices"][key]:
                continue
            raise ConfigError(
                f"resume: {override.input_line} would choose another {key}; a resumed run keeps "
                f"its own. Change single values ({key}.NAME=VALUE), or start a new run."
            )
        if OmegaConf.select(merged, key, default=override) is override:
            raise ConfigError(f"resume: the run's configuration has no {key}.")
        OmegaConf.update(merged, key, override.value())
    plain = OmegaConf.to_container(merged)
    assert isinstance(plain, dict)
    return {str(k): v for k, v in plain.items()}


def _move_in(content: Mapping[str, Any], path: Path, best: Path | None, folder: Path) -> Path:
    """Put the checkpoints where this run keeps its own, and tell their callbacks so.

    Lightning forgets the best score so far when a checkpoint callback's folder changes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if best is not None and best.is_file():
        shutil.copyfile(best, folder / BEST)
    for state in content["callbacks"].values():
        if not isinstance(state, dict) or "dirpath" not in state:
            continue
        state["dirpath"] = str(folder)
        for key in ("best_model_path", "kth_best_model_path", "last_model_path"):
            state[key] = str(folder / Path(state[key]).name) if state.get(key) else ""
        state["best_k_models"] = {
            str(folder / Path(name).name): score for name, score in state["best_k_models"].items()
        }
    target = folder / LAST
    torch.save(dict(content), target)
    return target
