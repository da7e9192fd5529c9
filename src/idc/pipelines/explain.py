"""A trained run explained once more: other patches, other methods; logged to that run."""

import logging
import re
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from idc.attribution.pipeline.explained_model import Subject, place_again, score_rows
from idc.attribution.pipeline.faithfulness_step import VERDICTS
from idc.attribution.pipeline.run_steps import Explained, explain_all
from idc.attribution.pipeline.stored_verdicts import EXPLAIN, stored_trust
from idc.attribution.select import NAMED, Selection, named_rows, parse_selection
from idc.config.build import Config
from idc.data.material import Material
from idc.data.tables import read_table
from idc.errors import ConfigError, DataError
from idc.pipelines.dataset import load_material
from idc.pipelines.evaluate import choose_device
from idc.pipelines.lifecycle import configured_store, owning
from idc.pipelines.restore import Restored, members, restore
from idc.pipelines.scoring import loader_of
from idc.pipelines.validate import check_values
from idc.runtime.outcome import Outcome
from idc.tracking.integrity import digest_tags
from idc.tracking.lookup import find_run, list_artifacts
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import MlflowStore
from idc.tracking.privacy import Pseudonyms, hidden_values
from idc.tracking.run_files import run_file

log = logging.getLogger(__name__)
PREDICTIONS = "evaluation/predictions.parquet"


@dataclass(frozen=True)
class Told:
    """An explanation that was logged.

    Attributes:
        run_id: The run's id.
        under: Where among the run's artifacts.
        folder: The files on this machine.
        explained: What was found.
    """

    run_id: str
    under: str
    folder: Path
    explained: Explained


def explain_run(config: Config, folder: Path) -> Told:
    """Explain a run of `idc.train` and add the results to it.

    Args:
        config: The resolved configuration of ``conf/explain.yaml``.
        folder: Where the files go; they are logged too.

    Raises:
        IdcError: Something that the user can mend.
    """
    check_values(config)
    selection = parse_selection(config["explain"]["select"])
    store, run = opened(config, "run")
    with ExitStack() as stack:
        stack.enter_context(owning(folder, Outcome("explain", run_id=run, kind="explain")))
        record = find_run(store, run)
        hidden = hide_names(selection, store.redactor.pseudonyms)
        under = _free_place(store, run, config["name"], hidden)
        subject, material, restored = subject_of(store, run, config, folder)
        subject, pool = named_pool(subject, material, restored, selection, config, store)
        known = stored_trust(store, record, config, folder / "restored")
        target = folder / EXPLAIN
        explained = explain_all(subject, config["explain"], hidden, pool, target, known)
        logged = MlflowRun(store, run, reopen=False)
        # What the run says of itself stays: another sample or plan would mean something else.
        new = {k: v for k, v in explained.metrics.items() if k not in record.data.metrics}
        logged.metrics(new)
        logged.artifacts(target, under)
        logged.tags(digest_tags(target, (VERDICTS,), f"{under}/"))
        for error in explained.failures.values():
            raise error
    return Told(run, under, target, explained)


def _free_place(store: MlflowStore, run_id: str, name: str | None, selection: Selection) -> str:
    """Where among the run's artifacts the results go: beside what is there, never over it.

    Raises:
        ConfigError: The name is none.
    """
    clean = re.sub(r"[^\w=-]+", "_", store.redactor.text(str(name or selection.label))).strip("_")
    if not clean:
        raise ConfigError(f"name={name}: give one with letters or digits.")
    taken = {path for path, _ in list_artifacts(store, run_id, EXPLAIN)}
    numbers = (f"{EXPLAIN}/{clean}" + (f"-{n}" if n > 1 else "") for n in count(1))
    return next(place for place in numbers if place not in taken)


def opened(config: Config, what: str) -> tuple[MlflowStore, str]:
    """The store, and the id of the one run that is asked for, checked to be there and finished.

    Args:
        config: With ``tracking``, ``paths`` and ``run``.
        what: The name of the value, for messages.

    Raises:
        ConfigError: There is no tracking, or a sweep is named in place of a run.
        CheckpointError: There is no such run, or it has not finished.
    """
    store = configured_store(config)
    if store is None:
        raise ConfigError("tracking=none: a run can only be found where runs are tracked.")
    record, found = members(store, config["run"])
    if found[0] is not record:
        ids = "\n  ".join(f"{one.info.run_id}  {one.info.run_name}" for one in found)
        raise ConfigError(
            f"{what}={config['run']}: this is a sweep; give one of its jobs:\n  {ids}"
        )
    return store, str(record.info.run_id)


def subject_of(
    store: MlflowStore, run_id: str, config: Config, folder: Path
) -> tuple[Subject, Material, Restored]:
    """A run with its network, its data and what it said of them.

    Args:
        store: Where it is kept.
        run_id: Its id.
        config: The configuration of now, with ``data.root``, ``device`` and ``loader``.
        folder: Where to download to what is not on this machine.

    Raises:
        DataError: The data are not those that it was made with.
        CheckpointError: Something is missing.
    """
    store.redactor.register_paths(hidden_values(config).values())
    record, _ = members(store, run_id)
    root = config["data"]["root"]
    given = ["data.root", "data.source.root"] if root else []
    restored = restore(store, record, config, given, folder / "restored", root)
    material = load_material(restored.config, store.redactor)
    if material.fingerprint != restored.fingerprint:
        raise DataError(
            f"run={run_id}: these are not the data that it was made with (their fingerprint is "
            f"{material.fingerprint}, it was {restored.fingerprint}). Give data.root=DIR."
        )
    path = run_file(store, record, config, PREDICTIONS, folder / "restored")
    stored = read_table(path, "path", "split", "label", "predicted", "score")
    rule = restored.decider.rule
    device: torch.device = choose_device(config["device"])
    subject = Subject(
        restored.network().to(device),
        place_again(stored, material.index, f"run={run_id}"),
        material.index,
        material.patches,
        restored.class_names,
        material.source.patch_size,
        restored.decider.threshold,
        device,
        rule.choose if rule else None,
        store.redactor.pseudonym_of,
        material.truth,
    )
    return subject, material, restored


def hide_names(selection: Selection, names: Pseudonyms | None) -> Selection:
    """The selection with pseudonyms in place of patients' own names."""
    if names is None or selection.what != "patient":
        return selection
    return Selection(selection.what, tuple(names.of(patient) for patient in selection.names))


def named_pool(
    subject: Subject,
    material: Material,
    restored: Restored,
    selection: Selection,
    config: Config,
    store: MlflowStore,
) -> tuple[Subject, pd.DataFrame]:
    """The subject, and the predictions to choose from: the test split's, or those that are named.

    Patches that are named and were not tested are scored now, and the subject knows them too.

    Args:
        subject: The run.
        material: Its data.
        restored: The run's decider.
        selection: What is selected; patients may have their own names or pseudonyms.
        config: The configuration of now, with ``loader``.
        store: Knows the pseudonyms.

    Raises:
        ConfigError: A name fits nothing.
    """
    selection = hide_names(selection, store.redactor.pseudonyms)
    if selection.what not in NAMED:
        return subject, subject.test
    rows = named_rows(selection, material.index)
    rows = rows[material.index["split"].to_numpy()[rows] != ""]
    if not len(rows):
        raise ConfigError("explain.select: none of the named patches is in use; see audit=... .")
    known = subject.predictions
    missing = np.setdiff1d(rows, known["row"].to_numpy())
    if len(missing):
        used = material.index["split"].to_numpy()[missing]
        log.warning(
            "%d of the named patches were not tested (%d were trained on): what is said of "
            "patches that were learnt looks better than it is",
            len(missing),
            int((used == "train").sum()),
        )
        loader = loader_of(config)
        more = score_rows(
            subject.network, material, missing, restored.decider, loader, subject.device
        )
        known = pd.concat([known, more], ignore_index=True)
        subject = replace(subject, predictions=known)
    return subject, known[known["row"].isin(rows)].reset_index(drop=True)
