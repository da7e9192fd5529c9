"""Resume a run: its configuration, its last checkpoint, its place in MLflow."""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from idc.config.build import Config
from idc.config.check import TRUSTED
from idc.config.stored import Origin, of_the_moment, read_origin, with_moment
from idc.config.values import look_up, with_values
from idc.data.corrections import NAME as CORRECTIONS
from idc.data.corrections import PLACE
from idc.data.material import Material
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

# What may differ from the resumed run without an override.
TAKEN_FROM_NOW = ("paths", "store", "tracking", "resume", "sweep")
# But what the run logs is its own choice, like the rest.
KEPT = tuple(
    f"tracking.{name}"
    for name in ("log_model", "log_checkpoints", "system_metrics", "system_metrics_interval")
)


@dataclass(frozen=True)
class ResumePoint:
    """Where a run resumes.

    Attributes:
        config: The run's own configuration, with the changes of the command line.
        origin: What its checkpoint holds about its data and configuration.
        run_id: The MLflow run to reopen, or None.
        name: Its name there, or None.
        folder: The run's folder until now, or what was downloaded of it.
        checkpoint: The newest intact checkpoint; None if the run was ended before it had one, and
            starts anew.
        best: The best checkpoint until then, or None where it is not available.
    """

    config: Config
    origin: Origin
    run_id: str | None
    name: str | None
    folder: Path
    checkpoint: Path | None
    best: Path | None

    @property
    def trained(self) -> bool:
        """Whether the MLflow run had begun to train, so that its data are logged already."""
        return self.run_id is not None and self.checkpoint is not None

    def bring(self, folder: Path) -> None:
        """Copy the checkpoints to the run's new folder.

        The best is the one to beat there; from the last the run resumes if it is ended again
        before it has a newer one.
        """
        if self.checkpoint is None:
            return
        if self.best is not None:
            copy_checkpoint(self.best, folder / BEST)
        else:
            log.warning("resume: there is no %s beside the checkpoint: the best begins anew", BEST)
        copy_checkpoint(self.checkpoint, folder / LAST)

    def require_same_data(self, material: Material) -> None:
        """Refuse to resume if a patient would change splits or the data differ.

        Raises:
            DataError: Training patches would be tested on, or data have changed.
        """
        if self.checkpoint is None:
            return
        now, then = splits_of_patients(material.used), self.origin.splits
        moved = sorted(p for p in now.keys() & then.keys() if now[p] != then[p])
        if moved:
            raise DataError(
                f"resume: {len(moved)} patient(s) would change splits ({', '.join(moved[:5])}), so "
                f"that training patches would be tested on. Leave split and data as they were, or "
                f"start a new run."
            )
        if material.fingerprint != self.origin.fingerprint:
            raise DataError(
                f"resume: the data differ from those used for training (fingerprint "
                f"{material.fingerprint}, expected {self.origin.fingerprint}). Set data.root to "
                f"the original data, or start a new run."
            )
        if split_identity(material.used) != self.origin.split:
            raise DataError(
                "resume: patches would change splits, so that training patches would be tested "
                "on. Leave the split as it was, or start a new run."
            )


def split_identity(index: pd.DataFrame) -> str:
    """Digest of which ``path`` is in which ``split``, 16 hex digits."""
    hashes = pd.util.hash_pandas_object(index[["path", "split"]], index=False)
    return hashlib.blake2b(hashes.sort_values().to_numpy().tobytes(), digest_size=8).hexdigest()


def resume_point(
    reference: str, now: Config, overrides: Sequence[str], store: MlflowStore | None, folder: Path
) -> ResumePoint:
    """Find where to resume a run, given as its id or a checkpoint file.

    Raises:
        CheckpointError: There is no such run or file, or the file is no checkpoint of ours.
        ConfigError: An override would change what a resume must keep.
    """
    if Path(reference).is_file():
        point = _from_file(Path(reference), now, store)
    else:
        point = _from_run(reference, now, store, folder)
    origin = point.origin
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    given = [override.key_or_group for override in parsed]
    copy = point.folder / CORRECTIONS  # the file itself may be gone, or another by now
    kept = has_corrections(origin.config) and copy.is_file()
    copies = {PLACE: str(copy)} if kept else {}
    then = restore_hidden_paths(origin, point.folder, given, "resume", copies)
    return replace(point, config=_merge(then, origin.mirrors, now, parsed))


def _from_file(path: Path, now: Config, store: MlflowStore | None) -> ResumePoint:
    candidates = [path, path.with_name(BEST)] if path.name == LAST else [path]
    newest = _newest_intact([one for one in candidates if one.is_file()])
    assert newest is not None  # the file is there
    origin = read_origin(newest.content, now, newest.what)
    run_id = name = None
    if store is not None and origin.run_id is not None:
        with suppress(CheckpointError):  # it was deleted, or is in another store
            info = find_run(store, origin.run_id).info
            run_id, name = str(info.run_id), str(info.run_name)
    best = _intact(newest.path.with_name(BEST))
    folder = newest.path.parent.parent
    return ResumePoint(origin.config, origin, run_id, name, folder, newest.path, best)


def _from_run(reference: str, now: Config, store: MlflowStore | None, folder: Path) -> ResumePoint:
    if store is None or "/" in reference or reference.endswith(".ckpt"):
        raise CheckpointError(
            f"resume={reference}: there is no such file, and a run id needs tracking."
        )
    record = find_run(store, reference)
    run_id, tags = str(record.info.run_id), record.data.tags
    if (kind := tags.get(KIND_TAG)) is not None:
        raise CheckpointError(
            f"resume={reference}: this is a run of idc.{kind}; only a training can be resumed."
        )
    require_same_names(tags, now, "resume")
    if global_rank() == 0:  # the others come when it may have begun
        refuse_running(record, Path(now["paths"]["mlruns"]), f"resume={reference}")
    # A run that was killed outright has its checkpoints in its folder only.
    own = run_folder(run_id, tags, now)
    logged = folder / "resumed"
    there = [] if own is None else [own / CHECKPOINTS / name for name in (LAST, BEST)]
    there = [path for path in there if path.is_file()]
    newest = _newest_intact(there or _logged_checkpoints(store, run_id, logged))
    if newest is None:
        return _anew(record, own, now)
    origin = read_origin(newest.content, now, newest.what)
    path = newest.path
    if has_corrections(origin.config) and not (path.parent.parent / CORRECTIONS).is_file():
        kept_copy = fetch_artifact(store, run_id, CORRECTIONS, path.parent.parent)
        check_file(kept_copy, CORRECTIONS, tags, "resume")
    best = path.with_name(BEST)
    if not there and not best.is_file():
        with suppress(MissingArtifactError):
            best = fetch_artifact(store, run_id, f"{CHECKPOINTS}/{BEST}", logged)
    name, before = str(record.info.run_name), path.parent.parent
    return ResumePoint(origin.config, origin, run_id, name, before, path, _intact(best))


def _logged_checkpoints(store: MlflowStore, run_id: str, folder: Path) -> Iterator[Path]:
    for name in (LAST, BEST):
        with suppress(MissingArtifactError):
            yield fetch_artifact(store, run_id, f"{CHECKPOINTS}/{name}", folder)


def _newest_intact(candidates: Iterable[Path]) -> Checkpoint | None:
    """The first checkpoint, or the intact one with the most steps; None without any."""
    damaged: CheckpointError | None = None
    intact: list[Checkpoint] = []
    for path in candidates:
        try:
            checkpoint = load_checkpoint(path, "resume", to_train=True)
            checkpoint.network_state()
            intact.append(checkpoint)
        except CheckpointError as error:
            damaged = damaged or error
        if damaged is None:
            return intact[0]
    if not intact:
        if damaged is not None:
            raise damaged
        return None
    newest = max(intact, key=lambda one: int(one.content["global_step"]))
    epochs = int(newest.content["epoch"]) + 1
    log.warning("%s", damaged)
    log.warning("resume: going on from %s, after epoch %d, instead", newest.path, epochs)
    return newest


def _intact(best: Path) -> Path | None:
    """The best checkpoint, or None if it cannot be used: better noticed now than at the end."""
    if not best.is_file():
        return None
    try:
        load_checkpoint(best, "resume").network_state()
    except CheckpointError as error:
        log.warning("%s", error)
        return None
    return best


def _anew(record: RunRecord, own: Path | None, now: Config) -> ResumePoint:
    """Start anew a run that was ended before its first checkpoint."""
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
    name = str(record.info.run_name)
    return ResumePoint(origin.config, origin, run_id, name, own, None, None)


def _merge(
    then: Config, mirrors: Mapping[str, str], now: Config, overrides: Sequence[Override]
) -> Config:
    """The run's configuration with the present paths and the command line's values."""
    values = {key: kept for key in KEPT if (kept := look_up(then, key)) is not None}
    for override in overrides:
        key = override.key_or_group
        of_now = key not in KEPT and key.split(".")[0] in (*TAKEN_FROM_NOW, TRUSTED)
        if of_now or of_the_moment(key):
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
    places = {key: now[key] for key in TAKEN_FROM_NOW}
    return with_values({**with_moment(then, now), **places}, values, mirrors)
