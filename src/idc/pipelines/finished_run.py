"""A finished run, opened by its id: what evaluating, explaining and reviewing begin with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from idc.config.build import Config
from idc.config.stored import Origin, read_origin
from idc.config.values import with_values
from idc.data.corrections import NAME as CORRECTIONS
from idc.data.corrections import PLACE
from idc.data.material import Material
from idc.data.tables import read_table
from idc.errors import CheckpointError, ConfigError, DataError, first_line
from idc.evaluation.decision import FILE as DECISION
from idc.evaluation.decision import Decider, load_decider
from idc.models.checkpoint import load_checkpoint
from idc.models.network import Network
from idc.pipelines.build import build_network
from idc.pipelines.callbacks import BEST, CHECKPOINTS
from idc.pipelines.dataset import load_material
from idc.pipelines.label_corrections import has_corrections
from idc.pipelines.lifecycle import configured_store, owning
from idc.pipelines.pseudonyms import require_same_names
from idc.pipelines.validate import check_config
from idc.reports.description import Place
from idc.runtime.outcome import Outcome
from idc.tracking.entities import RunRecord
from idc.tracking.integrity import logged_class_names
from idc.tracking.local_paths import restore_hidden_paths, run_folder
from idc.tracking.lookup import children, find_run
from idc.tracking.mlflow_run import NOTE_TAG
from idc.tracking.mlflow_store import MlflowStore
from idc.tracking.privacy import HIDDEN, hidden_values
from idc.tracking.run_files import own_file, run_file

# Settings of the present command and machine, not of the run.
PRESENT = ("paths", "store", "tracking")
PREDICTIONS = "evaluation/predictions.parquet"


@dataclass(frozen=True)
class TrainedRun:
    """A finished training run that can be used again.

    Attributes:
        store: The MLflow store that holds it.
        record: The store's record of it.
        now: The configuration of the present command.
        folder: Where files are downloaded to.
        config: The run's configuration, with the paths of this machine.
        origin: What its checkpoint holds about its data: fingerprint, patients' splits.
        checkpoint: Its best weights.
        class_names: One name per class.
        decider: Calibration and threshold.
    """

    store: MlflowStore
    record: RunRecord
    now: Config
    folder: Path
    config: Config
    origin: Origin
    checkpoint: Path
    class_names: tuple[str, ...]
    decider: Decider

    @property
    def run_id(self) -> str:
        """MLflow's id."""
        return str(self.record.info.run_id)

    @property
    def note(self) -> str:
        """Its description in MLflow."""
        return str(self.record.data.tags.get(NOTE_TAG, ""))

    @property
    def place(self) -> Place:
        """Where it is in MLflow, for links."""
        return Place(self.run_id, str(self.record.info.experiment_id))

    @property
    def leaky(self) -> bool:
        """Whether patients were in more than one split."""
        return str(self.record.data.tags.get("leaky")) == "true"

    def network(self) -> Network:
        """Its network with its best weights, in eval mode, on the CPU.

        Built anew by each call: the members of an ensemble need not be in memory together.

        Raises:
            CheckpointError: The weights do not fit the configuration.
        """
        weights = load_checkpoint(self.checkpoint, f"run={self.run_id}").network_state()
        mean, std = (weights[key].flatten().tolist() for key in ("mean", "std"))
        several = self.decider.thresholds is not None
        network = build_network(self.config, len(self.class_names), (mean, std), several)
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise CheckpointError(
                f"run={self.run_id}: {self.checkpoint.name} does not fit the run's configuration "
                f"({first_line(error)})."
            ) from error
        return network.eval()

    def material(self) -> Material:
        """The data that it was trained and tested on, read anew.

        Raises:
            DataError: The data differ, or cannot be read.
        """
        material = load_material(self.config, self.store.redactor)
        self.require_same_data(material)
        return material

    def require_same_data(self, material: Material) -> None:
        """Refuse data that differ from those used for training.

        Raises:
            DataError: The fingerprints differ.
        """
        if material.fingerprint != self.origin.fingerprint:
            raise DataError(
                f"run={self.run_id}: the data differ from those used for training (fingerprint "
                f"{material.fingerprint}, expected {self.origin.fingerprint}). Set data.root to "
                f"the original data, or choose data=... to evaluate on other data."
            )

    def predictions(self) -> pd.DataFrame:
        """Its stored predictions of validation and test; see `idc.evaluation.predictions.decide`.

        Raises:
            CheckpointError: The run has none, or they are damaged.
        """
        path = run_file(self.store, self.record, self.now, PREDICTIONS, self.folder)
        return read_table(path, "path", "split", "label", "predicted", "score")


@contextmanager
def opened_run(config: Config, folder: Path, kind: str) -> Iterator[TrainedRun]:
    """Open the finished run that a command adds results to.

    Args:
        config: The present configuration, with ``run``.
        folder: The command's folder, marked as its own while the run is open and after.
        kind: The command, for the folder's mark.

    Raises:
        ConfigError: There is no tracking, or ``run`` is a sweep.
        CheckpointError: There is no such run, it has not finished, or it cannot be restored.
    """
    store = required_store(config)
    record, members = find_members(store, config["run"])
    if members[0] is not record:
        ids = "\n  ".join(f"{one.info.run_id}  {one.info.run_name}" for one in members)
        raise ConfigError(f"run={config['run']}: this is a sweep; give one of its jobs:\n  {ids}")
    outcome = Outcome(kind, run_id=str(record.info.run_id), kind=kind)
    with owning(folder, outcome):
        yield open_run(store, record, config, folder / "restored")


def required_store(config: Config) -> MlflowStore:
    """The MLflow store of a command that reads runs.

    Raises:
        ConfigError: Tracking is off.
        TrackingError: The store does not answer.
    """
    store = configured_store(config)
    if store is None:
        raise ConfigError("tracking=none: a run can only be opened where runs are tracked.")
    store.redactor.register_paths(hidden_values(config).values())
    return store


def find_members(store: MlflowStore, run_id: str) -> tuple[RunRecord, list[RunRecord]]:
    """Find a run, and the training runs that it consists of.

    Returns:
        The run's record, and those of its members: itself alone, or a sweep's finished jobs.

    Raises:
        CheckpointError: There is no such run, it has not finished, or it is of another kind.
    """
    record = find_run(store, run_id)
    kind = record.data.tags.get("idc.kind", "train")
    if kind == "train":
        if record.info.status != "FINISHED":
            raise CheckpointError(
                f"run={run_id}: this run is {record.info.status.lower()}; only a finished one has "
                f"a threshold and its best weights. Resume it first (idc.train resume={run_id})."
            )
        return record, [record]
    if kind != "sweep":
        raise CheckpointError(
            f"run={run_id}: this is a run of idc.{kind}; give one of idc.train, or a sweep."
        )
    finished = [child for child in children(store, run_id) if child.info.status == "FINISHED"]
    if not finished:
        raise CheckpointError(f"run={run_id}: no job of this sweep has finished.")
    return record, finished


def open_run(
    store: MlflowStore, record: RunRecord, now: Config, folder: Path, other_data: bool = False
) -> TrainedRun:
    """Restore a finished run: configuration, decision and checkpoint, each checked.

    Args:
        store: The MLflow store.
        record: The store's record of the run.
        now: The present configuration: the paths of this machine, and ``data.root`` if the run's
            data have moved.
        folder: Where to download what the run's own folder does not hold.
        other_data: The run's own data and split are not used, so their paths are not needed.

    Raises:
        CheckpointError: Something is missing, damaged or not to be trusted.
        ConfigError: A path was not logged and is unknown on this machine.
    """
    run_id, tags = str(record.info.run_id), record.data.tags
    require_same_names(tags, now, f"run={run_id}")
    own = run_folder(run_id, tags, now)

    def file(name: str) -> Path:
        return own_file(store, record, own, name, folder / run_id)

    checkpoint, decision = file(f"{CHECKPOINTS}/{BEST}"), file(f"evaluation/{DECISION}")
    loaded = load_checkpoint(checkpoint, f"run={run_id}")
    loaded.network_state()  # before any data are read
    origin = read_origin(loaded.content, now, loaded.what)
    copies = {}
    if str(origin.config["split"].get("file", "")).startswith(HIDDEN):
        # The run keeps the split itself, so the file is not needed.
        copies["split.file"] = str(file("split.csv"))
    if has_corrections(origin.config):
        # The same; the copy has the names that the run uses for its patches.
        copies[PLACE] = str(file(CORRECTIONS))
    root = None if other_data else now["data"]["root"]
    given = ["data.root", "data.source.root"] if root or other_data else []
    given += ["split.file"] if other_data else []
    then = restore_hidden_paths(origin, own or checkpoint.parent, given, f"run={run_id}", copies)
    # The checkpoint has all weights: a file of pretrained ones is not needed.
    values = {"backbone.weights": None, **({} if root is None else {"data.root": root})}
    then |= {"logger": {}}  # not stored, and of no use to a finished run
    config = with_values({**then, **{key: now[key] for key in PRESENT}}, values, origin.mirrors)
    try:
        check_config(config)
    except ConfigError as error:
        raise CheckpointError(f"{loaded.what}: the run's configuration: {error}") from error
    names, decider = logged_class_names(tags, f"run={run_id}"), load_decider(decision)
    return TrainedRun(store, record, now, folder, config, origin, checkpoint, names, decider)


def choose_device(name: str) -> torch.device:
    """The device of that name; ``auto`` takes a GPU where there is one.

    Raises:
        ConfigError: There is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, ValueError) as error:
        raise ConfigError(f"device={name}: this machine has no such device; use auto.") from error
    return device
