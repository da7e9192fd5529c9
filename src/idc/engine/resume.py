"""Going on with a run: its configuration, its last checkpoint, its place in MLflow."""

import hashlib
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from idc.data.corrections import NAME as CORRECTIONS
from idc.data.corrections import PLACE
from idc.data.split.base import patients_sides
from idc.engine.callbacks import BEST, CHECKPOINTS, LAST
from idc.engine.config import Config, resolve, unresolved
from idc.engine.correcting import has_corrections
from idc.engine.patients import require_same_names
from idc.engine.places import bring_hidden, run_folder
from idc.errors import CheckpointError, ConfigError, DataError
from idc.models.weights import safe_load
from idc.tracking.lookup import fetch_artifact, find_run
from idc.tracking.store import Store

log = logging.getLogger(__name__)

# What may differ from the run that is gone on with, without a word on the command line.
TAKEN_FROM_NOW = ("paths", "store", "tracking", "resume", "sweep")
TRUSTED = ("idc.", "torch.optim.", "albumentations.")


@dataclass(frozen=True)
class ResumePoint:
    """Where to go on.

    Attributes:
        config: The run's own configuration, with what the command line changes.
        unresolved: The same with its interpolations.
        run_id: The MLflow run to go on in, or None.
        checkpoint: The last checkpoint.
        best: The best one until then, or None where it is not to be had.
        sides: Patient to side, as the run was trained.
        fingerprint: The identity of the data that it was trained on.
        split: The identity of the split; see `split_identity`.
    """

    config: Config
    unresolved: Config
    run_id: str | None
    checkpoint: Path
    best: Path | None
    sides: Mapping[str, str]
    fingerprint: str
    split: str

    def bring(self, folder: Path) -> None:
        """Copy the best checkpoint to where this run keeps its own; to be beaten there."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.best is not None and self.best.is_file():
            if self.best.resolve() != (folder / BEST).resolve():
                shutil.copyfile(self.best, folder / BEST)
        else:
            log.warning("resume: there is no %s beside the checkpoint: the best begins anew", BEST)

    def check_same_data(self, index: pd.DataFrame, fingerprint: str) -> None:
        """Refuse to go on if a patient would change sides or the data are others.

        Args:
            index: The index with ``group`` and ``split``.
            fingerprint: The data's identity.

        Raises:
            DataError: What was learnt from would be tested on, or data have changed.
        """
        now = patients_sides(index)
        moved = sorted(p for p in now.keys() & self.sides.keys() if now[p] != self.sides[p])
        if moved:
            raise DataError(
                f"resume: {len(moved)} patient(s) would change sides ({', '.join(moved[:5])}), so "
                f"what was trained on would be tested on. Leave split and data as they were, or "
                f"start a new run."
            )
        if fingerprint == self.fingerprint and split_identity(index) != self.split:
            raise DataError(
                "resume: patches would change sides, so what was trained on would be tested on. "
                "Leave the split as it was, or start a new run."
            )
        if fingerprint != self.fingerprint:
            raise DataError(
                "resume: the data are not those that the run was trained on (their fingerprint is "
                f"{fingerprint}, it was {self.fingerprint}). Bring them back, or start a new run."
            )


def split_identity(index: pd.DataFrame) -> str:
    """Digest of which patch stands on which side, 16 hex digits.

    Args:
        index: The index with ``path`` and ``split``.
    """
    hashes = pd.util.hash_pandas_object(index[["path", "split"]], index=False)
    return hashlib.blake2b(hashes.sort_values().to_numpy().tobytes(), digest_size=8).hexdigest()


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
        found = find_run(store, reference)
        run_id = str(found.info.run_id)
        # A run that was killed outright has its checkpoints in its folder only.
        require_same_names(found.data.tags, now, "resume")
        own = run_folder(run_id, found.data.tags, now)
        if own is not None and (own / CHECKPOINTS / LAST).is_file():
            path, best = own / CHECKPOINTS / LAST, own / CHECKPOINTS / BEST
        else:
            path = fetch_artifact(store, run_id, f"{CHECKPOINTS}/{LAST}", folder / "resumed")
            best = fetch_artifact(store, run_id, f"{CHECKPOINTS}/{BEST}", folder / "resumed")
        content = safe_load(path, "resume")
        origin = content["idc"]
        if has_corrections(origin["config"]) and not (path.parent.parent / CORRECTIONS).is_file():
            fetch_artifact(store, run_id, CORRECTIONS, path.parent.parent)
    given = [o.key_or_group for o in OverridesParser.create().parse_overrides(list(overrides))]
    copy = path.parent.parent / CORRECTIONS  # the file itself may be gone, or another by now
    kept = has_corrections(origin["config"]) and copy.is_file()
    more = {PLACE: str(copy)} if kept else {}
    then = bring_hidden(origin["config"], path.parent.parent, given, "resume", more)
    config, raw = _merge(then, now, overrides)
    check_targets(config, now, "resume")
    return ResumePoint(
        config, raw, run_id, path, best, origin["sides"], origin["fingerprint"], origin["split"]
    )


def _known(store: Store, origin: Mapping[str, Any]) -> bool:
    try:
        return origin.get("run_id") is not None and bool(find_run(store, str(origin["run_id"])))
    except CheckpointError:
        return False


def _merge(then: Mapping[str, Any], now: Config, overrides: Sequence[str]) -> tuple[Config, Config]:
    """The run's configuration with today's places and the command line's values.

    Args:
        then: The run's configuration with its interpolations, so that a new ``data.root`` is also
            the source's.
        now: The configuration that the command line composed.
        overrides: The command line's overrides.

    Returns:
        The configuration, resolved and with its interpolations.
    """
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
    choices = then["choices"]
    del merged["choices"]
    return resolve(merged, choices), unresolved(merged, choices)


def check_targets(config: Config, now: Config, what: str) -> None:
    """A checkpoint's configuration names what is built from it: nothing else may be called.

    Args:
        config: The checkpoint's configuration.
        now: That of the command line, which is trusted.
        what: Who asks, for the message.

    Raises:
        CheckpointError: It names something that is neither ours nor on the command line.
    """
    allowed = _targets(now)
    for target in sorted(_targets(config) - allowed):
        if not target.startswith(TRUSTED):
            raise CheckpointError(
                f"{what}: the checkpoint's configuration would call {target}, which is none of "
                f"{', '.join(TRUSTED)}. If you trust it, choose it on the command line too."
            )


def _targets(node: Any) -> set[str]:
    if isinstance(node, Mapping):
        own = {str(node["_target_"])} if "_target_" in node else set()
        return own.union(*(_targets(value) for value in node.values()))
    if isinstance(node, list | tuple):
        return set().union(*(_targets(value) for value in node))
    return set()
