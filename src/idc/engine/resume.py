"""Going on with a run: its configuration, its last checkpoint, its place in MLflow."""

import hashlib
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from hydra.core.override_parser.overrides_parser import OverridesParser

from idc.config.buildable import TRUSTED
from idc.config.stored import Origin, read_origin
from idc.config.values import look_up, with_values
from idc.data.corrections import NAME as CORRECTIONS
from idc.data.corrections import PLACE
from idc.data.split.base import patients_sides
from idc.engine.callbacks import BEST, CHECKPOINTS, LAST
from idc.engine.config import Config
from idc.engine.correcting import has_corrections
from idc.engine.patients import require_same_names
from idc.engine.places import bring_hidden, run_folder
from idc.errors import CheckpointError, ConfigError, DataError
from idc.models.checkpoint import load_checkpoint
from idc.tracking.integrity import check_file
from idc.tracking.lookup import fetch_artifact, find_run
from idc.tracking.store import Store

log = logging.getLogger(__name__)

# What may differ from the run that is gone on with, without a word on the command line.
TAKEN_FROM_NOW = ("paths", "store", "tracking", "resume", "sweep")


@dataclass(frozen=True)
class ResumePoint:
    """Where to go on.

    Attributes:
        config: The run's own configuration, with what the command line changes.
        mirrors: Values of it that repeat another; see `idc.config.values.mirrors_of`.
        run_id: The MLflow run to go on in, or None.
        checkpoint: The last checkpoint.
        best: The best one until then, or None where it is not to be had.
        sides: Patient to side, as the run was trained.
        fingerprint: The identity of the data that it was trained on.
        split: The identity of the split; see `split_identity`.
    """

    config: Config
    mirrors: Mapping[str, str]
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
        checkpoint = load_checkpoint(path, "resume", to_train=True)
        origin = read_origin(checkpoint.content, now, checkpoint.what)
        run_id = origin.run_id if store is not None and _known(store, origin) else None
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
        checkpoint = load_checkpoint(path, "resume", to_train=True)
        origin = read_origin(checkpoint.content, now, checkpoint.what)
        if has_corrections(origin.config) and not (path.parent.parent / CORRECTIONS).is_file():
            kept_copy = fetch_artifact(store, run_id, CORRECTIONS, path.parent.parent)
            check_file(kept_copy, CORRECTIONS, found.data.tags, "resume")
    checkpoint.network_state()
    if best is not None and best.is_file():
        load_checkpoint(best, "resume").network_state()  # it will be tested: not after hours
    given = [o.key_or_group for o in OverridesParser.create().parse_overrides(list(overrides))]
    copy = path.parent.parent / CORRECTIONS  # the file itself may be gone, or another by now
    kept = has_corrections(origin.config) and copy.is_file()
    more = {PLACE: str(copy)} if kept else {}
    then = bring_hidden(origin, path.parent.parent, given, "resume", more)
    config = _merge(then, origin.mirrors, now, overrides)
    return ResumePoint(
        config,
        origin.mirrors,
        run_id,
        path,
        best,
        origin.sides,
        origin.fingerprint,
        origin.split,
    )


def _known(store: Store, origin: Origin) -> bool:
    try:
        return origin.run_id is not None and bool(find_run(store, origin.run_id))
    except CheckpointError:
        return False


def _merge(
    then: Config, mirrors: Mapping[str, str], now: Config, overrides: Sequence[str]
) -> Config:
    """The run's configuration with today's places and the command line's values.

    Args:
        then: The run's resolved configuration.
        mirrors: Its values that repeat another, so that a new ``data.root`` is also the source's.
        now: The configuration that the command line composed, resolved.
        overrides: The command line's overrides.
    """
    values = {}
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        key = override.key_or_group
        if key.split(".")[0] in (*TAKEN_FROM_NOW, TRUSTED):
            continue
        if key in then["choices"]:
            if override.value() == then["choices"][key]:
                continue
            raise ConfigError(
                f"resume: {override.input_line} would choose another {key}; a resumed run keeps "
                f"its own. Change single values ({key}.NAME=VALUE), or start a new run."
            )
        if override.is_delete() or look_up(then, key, override) is override:
            raise ConfigError(f"resume: the run's configuration has no {key} to change.")
        values[key] = look_up(now, key)
    return with_values({**then, **{key: now[key] for key in TAKEN_FROM_NOW}}, values, mirrors)
