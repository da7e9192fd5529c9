"""Trained runs asked about data: their own, or others that they have never seen."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from idc.config.build import Config, build
from idc.data.datamodule import PatchDataModule
from idc.data.material import Material
from idc.data.tables import read_table
from idc.errors import ConfigError, DataError
from idc.evaluation.decision import Decider, fit_decider
from idc.evaluation.evaluate import Evaluation
from idc.evaluation.inference import Inference, pool, predict
from idc.evaluation.predictions import (
    decide,
    probabilities_of,
    raw_predictions,
)
from idc.evaluation.test_metrics import take_numbers
from idc.pipelines.dataset import load_material, load_unsplit
from idc.pipelines.restore import Restored
from idc.tracking.integrity import check_file
from idc.tracking.lookup import fetch_artifact
from idc.tracking.mlflow_store import MlflowStore
from idc.tracking.privacy import Redactor

log = logging.getLogger(__name__)
PREDICTIONS = "evaluation/predictions.parquet"
Asked = tuple[Evaluation, Material]


def ask_about_own(
    runs: Sequence[Restored],
    now: Config,
    device: torch.device,
    redactor: Redactor,
    begin: Callable[[], None],
) -> Asked:
    """Score the test splits that the runs were made with.

    Runs of one split are an ensemble: their probabilities are averaged. Runs of several splits
    (folds) are pooled, each patch scored by those that did not train on it.

    Args:
        runs: The runs.
        now: The configuration of now.
        device: Where to compute.
        redactor: See `load_material`.
        begin: Called when data are read and checked and scoring begins; again for each split.

    Raises:
        DataError: The data are not those that the runs were made with.
    """
    how: Inference = build(now["inference"], "inference")
    by_split: dict[str, list[Restored]] = {}
    for run in runs:
        by_split.setdefault(json.dumps(run.config["split"], sort_keys=True), []).append(run)
    _require_one_test_split(list(by_split.values()))
    frames, deciders = [], []
    for group in by_split.values():
        config = {**group[0].config, "loader": loader_of(now), "inference": now["inference"]}
        material = load_material(config, redactor)
        for run in group:
            if material.fingerprint != run.fingerprint:
                raise DataError(
                    f"run={run.run_id}: these are not the data that it was made with (their "
                    f"fingerprint is {material.fingerprint}, it was {run.fingerprint}). Give "
                    f"data.root=DIR of the right ones, or data=... to ask about others."
                )
        data = _loaders(material, config, now)
        begin()
        val, test = (_ask(group, data, split, how, device) for split in ("val", "test"))
        classes = len(material.source.class_names)
        decider = group[0].decider
        if len(group) > 1 or how != decider.inference:
            decider = fit_decider(val["label"].to_numpy(), probabilities_of(val, classes), config)
        deciders.append(decider)
        decided = [decide(frame, decider, classes) for frame in (val, test)]
        frames += [frame.assign(fold=str(len(deciders) - 1)) for frame in decided]
    predictions = pd.concat(frames, ignore_index=True)
    only = deciders[0] if len(deciders) == 1 else None
    test = predictions[predictions["split"] == "test"].reset_index(drop=True)
    if (twice := int(test["path"].duplicated().sum())) > 0:
        raise ConfigError(
            f"{twice} patches are in the test split of several of these runs' splits, so they "
            f"cannot be pooled. Ask the runs one by one."
        )
    leaky = any(run.leaky for run in runs)
    # Each of the pooled splits has a split of its own: what was tested is what they have in common.
    tested = material.index["path"].isin(set(test["path"]))
    if only is None:
        material = material.with_splits(np.where(tested, "test", "").astype(object))
    material = replace(material, leaky=leaky)
    numbers = take_numbers(
        test, material.index, classes, now, only, leaky, material.source.class_names[1]
    )
    return Evaluation(predictions, only, numbers), material


def ask_about_others(
    store: MlflowStore,
    runs: Sequence[Restored],
    now: Config,
    device: torch.device,
    redactor: Redactor,
    folder: Path,
    begin: Callable[[], None],
) -> Asked:
    """Score other data, with calibration and threshold as they were chosen on validation.

    Args:
        store: Where the runs are kept.
        runs: The runs; several are an ensemble.
        now: The configuration of now, with the data.
        device: Where to compute.
        redactor: See `load_material`.
        folder: For what has to be downloaded.
        begin: Called when data are read and checked and scoring begins.

    Raises:
        DataError: The classes differ, or patients were trained on that must not be tested.
    """
    how: Inference = build(now["inference"], "inference")
    material = load_unsplit(now, redactor)
    names, own = material.source.class_names, runs[0].class_names
    if len(names) != len(own):
        raise DataError(
            f"data={now['choices']['data']}: it has {len(names)} classes ({', '.join(names)}), "
            f"the run knows {len(own)} ({', '.join(own)})."
        )
    material, notes = _without_known(material, runs, now["known_patients"])
    data = _loaders(material, {**runs[0].config, "loader": loader_of(now)}, now)
    begin()
    test = _ask(runs, data, "test", how, device)
    decider = runs[0].decider
    if len(runs) > 1:
        decider, shared = _of_ensemble(store, runs, folder)
        if not shared:
            notes.append(
                "The members of this ensemble have different validation splits: calibration and "
                "threshold were chosen on scores of single members, which are more spread out than "
                "their mean."
            )
    if how != decider.inference:
        notes.append(
            f"Scores are the {how.describe()}; calibration and threshold were chosen on scores "
            f"of {decider.inference.describe()}."
        )
    test = decide(test, decider, len(own))
    numbers = take_numbers(test, material.index, len(own), now, decider, material.leaky, own[1])
    numbers.notes.extend(notes)
    return Evaluation(test, decider, numbers), material


def _require_one_test_split(groups: Sequence[Sequence[Restored]]) -> None:
    """Refuse, before anything is scored, splits that test a patient twice."""
    tested = Counter(
        p for group in groups for p, split in group[0].splits.items() if split == "test"
    )
    twice = sorted(patient for patient, count in tested.items() if count > 1)
    if twice:
        raise ConfigError(
            f"run: the jobs of this sweep have {len(groups)} different splits, and {len(twice)} "
            f"patient(s) are tested by more than one of them ({', '.join(twice[:5])}), so they "
            f"cannot be pooled. Ask the runs one by one."
        )


def loader_of(now: Config) -> Config:
    """The options of loaders that only score."""
    size = now["loader"]["eval_batch_size"]
    return {"batch_size": size, "eval_batch_size": size, "num_workers": 0, "sampler": "shuffle"}


def _loaders(material: Material, config: Config, now: Config) -> PatchDataModule:
    return PatchDataModule(
        material.patches,
        material.index,
        material.source.class_names,
        seed=now["seed"],
        **config["loader"],
    )


def _ask(
    runs: Sequence[Restored],
    data: PatchDataModule,
    split: str,
    how: Inference,
    device: torch.device,
) -> pd.DataFrame:
    said = [predict(run.network(), data.eval_dataloader(split), device, how) for run in runs]
    whole = pool(said)
    return raw_predictions(data.index, data.rows(split), whole.probabilities, whole.uncertainty)


def _without_known(
    material: Material, runs: Sequence[Restored], action: str
) -> tuple[Material, list[str]]:
    """What is done about patients that a run has trained or chosen on."""
    seen = {p for run in runs for p, split in run.splits.items() if split != "test"}
    index = material.index
    known = index["patient"].isin(seen) & (index["split"] == "test")
    patients = sorted(index["patient"][known].unique())
    if not patients:
        return material, []
    shown = ", ".join(patients[:5]) + (", ..." if len(patients) > 5 else "")
    if action == "fail":
        raise DataError(
            f"known_patients: {len(patients)} patient(s) of these data were used to train or tune "
            f"the run ({shown}); numbers on them would be too good. Set known_patients=drop to "
            f"leave them out."
        )
    if action == "keep":
        return replace(material, leaky=True), []
    split = index["split"].where(~known, "")
    if not (split == "test").any():
        raise DataError("known_patients=drop: the run was trained or tuned on all patients.")
    note = f"{len(patients)} patient(s) that the run was trained or tuned on were left out."
    return material.with_splits(split.to_numpy(object)), [note]


def _of_ensemble(
    store: MlflowStore, runs: Sequence[Restored], folder: Path
) -> tuple[Decider, bool]:
    """Calibration and threshold of an ensemble, from its members' stored validation scores.

    Each patch counts once: with the mean of those members that had it in their validation split.
    Whether all had the same is said too.
    """
    classes = len(runs[0].class_names)
    frames = []
    for run in runs:
        path = fetch_artifact(store, run.run_id, PREDICTIONS, folder / run.run_id)
        check_file(path, PREDICTIONS, run.tags, f"run={run.run_id}")
        frame = read_table(path, "path", "split", "label")
        frames.append(frame[frame["split"] == "val"])
    whole = pd.concat(frames, ignore_index=True)
    names = [c for c in whole if str(c).startswith("score_raw")]
    mean = whole.groupby("path", sort=True)[[*names, "label"]].mean()
    config = runs[0].config
    shared = bool((whole.groupby("path").size() == len(runs)).all())
    labels = mean["label"].to_numpy(np.int64)
    return fit_decider(labels, probabilities_of(mean, classes), config), shared
