"""Going on with a run: its configuration, its last checkpoint, its place in MLflow."""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from hydra.core.override_parser.overrides_parser import OverridesParser

from idc.config.build import Config
from idc.config.buildable import TRUSTED
from idc.config.stored import Origin, read_origin
from idc.config.values import look_up, with_values
from idc.data.corrections import NAME as CORRECTIONS
from idc.data.corrections import PLACE
from idc.data.split.base import splits_of_patients
from idc.errors import CheckpointError, ConfigError, DataError, MissingArtifactError, first_line
from idc.models.checkpoint import Checkpoint, load_checkpoint
from idc.pipelines.callbacks import BEST, CHECKPOINTS, LAST
from idc.pipelines.label_corrections import has_corrections
from idc.pipelines.pseudonyms import require_same_names
from idc.runtime.checkpoint_io import copy_checkpoint
from idc.runtime.hardware import global_rank
from idc.tracking.alive import refuse_running
from idc.tracking.entities import RunRecord
from idc.tracking.integrity import check_file
from idc.tracking.local_paths import START, restore_hidden_paths, run_folder
from idc.tracking.lookup import KIND_TAG, fetch_artifact, find_run
from idc.tracking.mlflow_store import MlflowStore

log = logging.getLogger(__name__)

# What may differ from the run that is gone on with, without a word on the command line.
TAKEN_FROM_NOW = ("paths", "store", "tracking", "resume", "sweep")
# But what the run logs of itself is its own, like the rest.
KEPT = tuple(
    f"tracking.{name}"
    for name in ("log_model", "log_checkpoints", "system_metrics", "system_metrics_interval")
)


@dataclass(frozen=True)
class ResumePoint:
    """Where to go on.

    Attributes:
        config: The run's own configuration, with what the command line changes.
        mirrors: Values of it that repeat another; see `idc.config.values.mirrors_of`.
        run_id: The MLflow run to go on in, or None.
        folder: The run's folder until now, or what was downloaded of it.
        checkpoint: The newest whole checkpoint; None to start anew in the same run, which was
            ended before it had one.
        best: The best one until then, or None where it is not to be had.
        splits: Patient to split, as the run was trained.
        fingerprint: The identity of the data that it was trained on; empty if it was not.
        split: The identity of the split; see `split_identity`.
    """

    config: Config
    mirrors: Mapping[str, str]
    run_id: str | None
    folder: Path
    checkpoint: Path | None
    best: Path | None
    splits: Mapping[str, str]
    fingerprint: str
    split: str

    def bring(self, folder: Path) -> None:
        """Copy the checkpoints to where the run keeps its own from now on.

        The best is to be beaten there; the last is what the run goes on from if it is ended
        again before it has a newer one.
        """
        if self.checkpoint is None:
            return
        if self.best is not None:
            copy_checkpoint(self.best, folder / BEST)
        else:
            log.warning("resume: there is no %s beside the checkpoint: the best begins anew", BEST)
        copy_checkpoint(self.checkpoint, folder / LAST)

    def check_same_data(self, index: pd.DataFrame, fingerprint: str) -> None:
        """Refuse to go on if a patient would change splits or the data are others.

        Args:
            index: The index with ``patient`` and ``split``.
            fingerprint: The data's identity.

        Raises:
            DataError: What was learnt from would be tested on, or data have changed.
        """
        if self.checkpoint is None:
            return
        now = splits_of_patients(index)
        moved = sorted(p for p in now.keys() & self.splits.keys() if now[p] != self.splits[p])
        if moved:
            raise DataError(
                f"resume: {len(moved)} patient(s) would change splits ({', '.join(moved[:5])}), so "
                f"what was trained on would be tested on. Leave split and data as they were, or "
                f"start a new run."
            )
        if fingerprint == self.fingerprint and split_identity(index) != self.split:
            raise DataError(
                "resume: patches would change splits, so what was trained on would be tested on. "
                "Leave the split as it was, or start a new run."
            )
        if fingerprint != self.fingerprint:
            raise DataError(
                "resume: the data are not those that the run was trained on (their fingerprint is "
                f"{fingerprint}, it was {self.fingerprint}). Bring them back, or start a new run."
            )


def split_identity(index: pd.DataFrame) -> str:
    """Digest of which patch is in which split, 16 hex digits.

    Args:
        index: The index with ``path`` and ``split``.
    """
    hashes = pd.util.hash_pandas_object(index[["path", "split"]], index=False)
    return hashlib.blake2b(hashes.sort_values().to_numpy().tobytes(), digest_size=8).hexdigest()


def resume_point(
    reference: str, now: Config, overrides: Sequence[str], store: MlflowStore | None, folder: Path
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
    if Path(reference).is_file():
        start = _from_file(Path(reference), now, store)
    else:
        start = _from_run(reference, now, store, folder)
    origin = start.origin
    given = [o.key_or_group for o in OverridesParser.create().parse_overrides(list(overrides))]
    copy = start.folder / CORRECTIONS  # the file itself may be gone, or another by now
    kept = has_corrections(origin.config) and copy.is_file()
    more = {PLACE: str(copy)} if kept else {}
    then = restore_hidden_paths(origin, start.folder, given, "resume", more)
    config = _merge(then, origin.mirrors, now, overrides)
    return ResumePoint(
        config,
        origin.mirrors,
        start.run_id,
        start.folder,
        start.checkpoint,
        start.best,
        origin.splits,
        origin.fingerprint,
        origin.split,
    )


@dataclass(frozen=True)
class _Start:
    """What a reference leads to: the run, its checkpoints, and where they lie."""

    run_id: str | None
    folder: Path
    checkpoint: Path | None
    best: Path | None
    origin: Origin


def _from_file(path: Path, now: Config, store: MlflowStore | None) -> _Start:
    candidates = [path, path.with_name(BEST)] if path.name == LAST else [path]
    taken = _newest_whole([one for one in candidates if one.is_file()])
    assert taken is not None  # the file is there
    origin = read_origin(taken.content, now, taken.what)
    run_id = origin.run_id if store is not None and _known(store, origin) else None
    best = _whole(taken.path.with_name(BEST))
    return _Start(run_id, taken.path.parent.parent, taken.path, best, origin)


def _from_run(reference: str, now: Config, store: MlflowStore | None, folder: Path) -> _Start:
    if store is None or "/" in reference or reference.endswith(".ckpt"):
        raise CheckpointError(
            f"resume={reference}: there is no such file, and a run id needs tracking."
        )
    record = find_run(store, reference)
    run_id, tags = str(record.info.run_id), record.data.tags
    if (kind := tags.get(KIND_TAG)) is not None:
        raise CheckpointError(
            f"resume={reference}: this is a run of idc.{kind}; only a training can be gone on with."
        )
    require_same_names(tags, now, "resume")
    if global_rank() == 0:  # the others come when it may have begun
        refuse_running(record, Path(now["paths"]["mlruns"]), f"resume={reference}")
    # A run that was killed outright has its checkpoints in its folder only.
    own = run_folder(run_id, tags, now)
    logged = folder / "resumed"
    there = [] if own is None else [own / CHECKPOINTS / name for name in (LAST, BEST)]
    there = [path for path in there if path.is_file()]
    taken = _newest_whole(there or _logged_checkpoints(store, run_id, logged))
    if taken is None:
        return _anew(record, own, now)
    origin = read_origin(taken.content, now, taken.what)
    path = taken.path
    if has_corrections(origin.config) and not (path.parent.parent / CORRECTIONS).is_file():
        kept_copy = fetch_artifact(store, run_id, CORRECTIONS, path.parent.parent)
        check_file(kept_copy, CORRECTIONS, tags, "resume")
    best = path.with_name(BEST)
    if not there and not best.is_file():
        with suppress(MissingArtifactError):
            best = fetch_artifact(store, run_id, f"{CHECKPOINTS}/{BEST}", logged)
    return _Start(run_id, path.parent.parent, path, _whole(best), origin)


def _logged_checkpoints(store: MlflowStore, run_id: str, folder: Path) -> Iterator[Path]:
    for name in (LAST, BEST):
        with suppress(MissingArtifactError):
            yield fetch_artifact(store, run_id, f"{CHECKPOINTS}/{name}", folder)


def _newest_whole(candidates: Iterable[Path]) -> Checkpoint | None:
    """The first of some checkpoints; if it is damaged, the whole one with the most steps.

    Returns:
        The checkpoint, or None where there is none.

    Raises:
        CheckpointError: There are some, and all are damaged.
    """
    damaged: CheckpointError | None = None
    whole: list[Checkpoint] = []
    for path in candidates:
        try:
            checkpoint = load_checkpoint(path, "resume", to_train=True)
            checkpoint.network_state()
            whole.append(checkpoint)
        except CheckpointError as error:
            damaged = damaged or error
        if damaged is None:
            return whole[0]
    if not whole:
        if damaged is not None:
            raise damaged
        return None
    newest = max(whole, key=lambda one: int(one.content["global_step"]))
    epochs = int(newest.content["epoch"]) + 1
    log.warning("%s", damaged)
    log.warning("resume: going on from %s, after epoch %d, in its place", newest.path, epochs)
    return newest


def _whole(best: Path) -> Path | None:
    """The best checkpoint if it can be used: that it cannot is to be known now, not at the end."""
    if not best.is_file():
        return None
    try:
        load_checkpoint(best, "resume").network_state()
    except CheckpointError as error:
        log.warning("%s", error)
        return None
    return best


def _anew(record: RunRecord, own: Path | None, now: Config) -> _Start:
    """Start a run from its beginning that was ended before it had a checkpoint.

    Raises:
        CheckpointError: It had one, or its folder is not on this machine.
    """
    run_id = str(record.info.run_id)
    what = f"resume={run_id}"
    if record.info.status == "FINISHED" or own is None or not (own / START).is_file():
        raise MissingArtifactError(
            f"{what}: run {run_id} holds no {CHECKPOINTS}/{LAST}, and its folder is not on this "
            f"machine: tracking.log_checkpoints was off, or it was ended from outside."
        )
    try:
        content = json.loads((own / START).read_text(encoding="utf-8"))
        nothing = {"history": [], "splits": {}, "split": "", "fingerprint": "", "run_id": run_id}
        content = {"idc": {**content, **nothing}}
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{what}: {own / START} is damaged ({first_line(error)}).") from error
    origin = read_origin(content, now, f"{what}: {own / START}")
    log.warning("%s: it was ended before its first checkpoint, and starts anew", what)
    return _Start(run_id, own, None, None, origin)


def _known(store: MlflowStore, origin: Origin) -> bool:
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
    values = {key: kept for key in KEPT if (kept := look_up(then, key)) is not None}
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        key = override.key_or_group
        if key not in KEPT and key.split(".")[0] in (*TAKEN_FROM_NOW, TRUSTED):
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
