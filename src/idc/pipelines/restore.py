"""A run brought back from its id: configuration, network, decision, patients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from idc.config.build import Config
from idc.config.stored import read_origin
from idc.config.values import with_values
from idc.data.corrections import NAME as CORRECTIONS
from idc.data.corrections import PLACE
from idc.errors import CheckpointError, ConfigError, first_line
from idc.evaluation.decision import FILE as DECISION
from idc.evaluation.decision import Decider, load_decider
from idc.models.checkpoint import load_checkpoint
from idc.models.network import Network
from idc.pipelines.build import build_network
from idc.pipelines.callbacks import BEST, CHECKPOINTS
from idc.pipelines.label_corrections import has_corrections
from idc.pipelines.pseudonyms import require_same_names
from idc.pipelines.validate import check_config
from idc.tracking.entities import RunRecord
from idc.tracking.integrity import logged_class_names
from idc.tracking.local_paths import restore_hidden_paths, run_folder
from idc.tracking.lookup import children, find_run
from idc.tracking.mlflow_store import MlflowStore
from idc.tracking.privacy import HIDDEN
from idc.tracking.run_files import own_file

# Of the machine and the moment, not of the run.
OF_NOW = ("paths", "store", "tracking")


@dataclass(frozen=True)
class Restored:
    """A run that can be asked again.

    Attributes:
        run_id: Its id.
        name: Its name.
        config: Its configuration, with the places of this machine.
        checkpoint: Its best weights.
        class_names: A name a class.
        decider: Calibration and threshold.
        splits: Patient to the split that it was in.
        fingerprint: The identity of the data that it was trained on.
        leaky: Whether patients were in two splits.
        tags: Its tags.
    """

    run_id: str
    name: str
    config: Config
    checkpoint: Path
    class_names: tuple[str, ...]
    decider: Decider
    splits: Mapping[str, str]
    fingerprint: str
    leaky: bool
    tags: Mapping[str, str]

    def network(self) -> Network:
        """Its network with its best weights, in eval mode, on the CPU.

        Made when it is asked for: an ensemble's members need not be in memory together.

        Raises:
            CheckpointError: The weights do not fit the configuration.
        """
        weights = load_checkpoint(self.checkpoint, f"run={self.run_id}").network_state()
        mean, std = (weights[key].flatten().tolist() for key in ("mean", "std"))
        network = build_network(self.config, len(self.class_names), (mean, std))
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise CheckpointError(
                f"run={self.run_id}: {self.checkpoint.name} does not fit the run's configuration "
                f"({first_line(error)})."
            ) from error
        return network.eval()


def members(store: MlflowStore, run_id: str) -> tuple[RunRecord, list[RunRecord]]:
    """A run, and the runs whose networks answer for it.

    Args:
        store: The MLflow store.
        run_id: A run's id, or a sweep's.

    Returns:
        The run, and itself, or a sweep's finished jobs.

    Raises:
        CheckpointError: There is no such run, it did not finish, or it is of another kind.
    """
    record = find_run(store, run_id)
    kind = record.data.tags.get("idc.kind", "train")
    if kind == "train":
        if record.info.status != "FINISHED":
            raise CheckpointError(
                f"run={run_id}: this run is {record.info.status.lower()}; only a finished one has "
                f"a threshold and its best weights. Go on with it (idc.train resume={run_id})."
            )
        return record, [record]
    if kind != "sweep":
        raise CheckpointError(
            f"run={run_id}: this is a run of idc.{kind}; give one of idc.train, or a sweep."
        )
    found = [child for child in children(store, run_id) if child.info.status == "FINISHED"]
    if not found:
        raise CheckpointError(f"run={run_id}: no job of this sweep has finished.")
    return record, found


def restore(
    store: MlflowStore,
    record: RunRecord,
    now: Config,
    given: Sequence[str],
    folder: Path,
    root: str | None = None,
) -> Restored:
    """Bring a run back.

    Args:
        store: The MLflow store.
        record: What the store knows of the run.
        now: The configuration of now, for the places of this machine.
        given: Dotted names of the run's own paths that are given anew, or are not needed.
        folder: Where to download to what is not in the run's own folder.
        root: Where the run's data lie now, if elsewhere.

    Raises:
        CheckpointError: Something is missing, damaged or cannot be trusted.
        ConfigError: A path was not logged and is not known here.
    """
    run_id = str(record.info.run_id)
    require_same_names(record.data.tags, now, f"run={run_id}")
    own = run_folder(run_id, record.data.tags, now)

    def file(name: str) -> Path:
        return own_file(store, record, own, name, folder / run_id)

    checkpoint, decision = file(f"{CHECKPOINTS}/{BEST}"), file(f"evaluation/{DECISION}")
    loaded = load_checkpoint(checkpoint, f"run={run_id}")
    loaded.network_state()  # before any data are read
    origin = read_origin(loaded.content, now, loaded.what)
    more = {}
    if str(origin.config["split"].get("file", "")).startswith(HIDDEN):
        # The run keeps the split itself, so that the file is not needed.
        more["split.file"] = str(file("split.csv"))
    if has_corrections(origin.config):
        # The same; the copy has the names that the run knows its patches by.
        more[PLACE] = str(file(CORRECTIONS))
    place = own or checkpoint.parent
    then = restore_hidden_paths(origin, place, given, f"run={run_id}", more)
    # The checkpoint has all weights: a file of pretrained ones is not looked for.
    values = {"backbone.weights": None, **({} if root is None else {"data.root": root})}
    config = with_values({**then, **{key: now[key] for key in OF_NOW}}, values, origin.mirrors)
    try:
        check_config(config)
    except ConfigError as error:
        raise CheckpointError(f"{loaded.what}: the run's configuration: {error}") from error
    names = logged_class_names(record.data.tags, f"run={run_id}")
    return Restored(
        run_id,
        str(record.info.run_name),
        config,
        checkpoint,
        names,
        load_decider(decision),
        origin.splits,
        origin.fingerprint,
        record.data.tags.get("leaky") == "true",
        record.data.tags,
    )
