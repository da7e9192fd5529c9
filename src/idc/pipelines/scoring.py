"""Score data with finished runs: their own test splits, or other data."""

import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from idc.config.build import Config, build
from idc.data.datamodule import PatchDataModule
from idc.data.index import LABELS, POSITION, has_positions
from idc.data.material import Material
from idc.errors import ConfigError, DataError
from idc.evaluation.decision import Decider
from idc.evaluation.evaluate import Evaluation
from idc.evaluation.inference import Inference
from idc.evaluation.postprocess import decide_split, fit_decision
from idc.evaluation.predictions import score_split
from idc.evaluation.test_metrics import take_numbers
from idc.pipelines.dataset import load_unsplit
from idc.pipelines.finished_run import TrainedRun

log = logging.getLogger(__name__)


def score_own_data(
    runs: Sequence[TrainedRun], now: Config, device: torch.device, begin: Callable[[], None]
) -> Evaluation:
    """Score the test splits of finished runs.

    Runs of one split are an ensemble: their probabilities are averaged. Runs of several splits
    (folds) are pooled, each patch scored by the runs that did not train on it.

    Args:
        runs: The runs.
        now: The present configuration.
        device: Where to compute.
        begin: Called when data are read and checked and scoring begins; again for each split.

    Raises:
        DataError: The data differ from those used for training.
        ConfigError: Several splits test the same patients.
    """
    inference: Inference = build(now["inference"], "inference")
    by_split: dict[str, list[TrainedRun]] = {}
    for run in runs:
        by_split.setdefault(json.dumps(run.config["split"], sort_keys=True), []).append(run)
    _refuse_shared_patients([members[0] for members in by_split.values()])
    frames, deciders = [], []
    for fold, members in enumerate(by_split.values()):
        material = members[0].material()
        for run in members[1:]:
            run.require_same_data(material)
        data = scoring_data(material, now)
        begin()
        val, test = (
            score_split((run.network() for run in members), data, split, inference, device)
            for split in ("val", "test")
        )
        names = material.source.class_names
        classes = len(names)
        decider = members[0].decider
        if len(members) > 1 or inference != decider.inference:
            config = {**members[0].config, "inference": now["inference"]}
            decider = fit_decision(val, names, config)
        deciders.append(decider)
        size = material.source.patch_size
        frames += [
            decide_split(frame, decider, classes, size).assign(fold=str(fold))
            for frame in (val, test)
        ]
    predictions = pd.concat(frames, ignore_index=True)
    shared = deciders[0] if len(deciders) == 1 else None
    test = predictions[predictions["split"] == "test"].reset_index(drop=True)
    if (twice := int(test["path"].duplicated().sum())) > 0:
        raise ConfigError(
            f"{twice} patches are in the test split of several of these runs' splits, so they "
            f"cannot be pooled. Evaluate the runs one by one."
        )
    if shared is None:  # the splits differ: all that they have in common is what was tested
        tested = material.index["path"].isin(set(test["path"]))
        material = material.with_splits(np.where(tested, "test", "").astype(object))
    material = replace(material, leaky=any(run.leaky for run in runs))
    numbers = take_numbers(test, material.index, classes, now, shared, material.leaky, names)
    return Evaluation(predictions, shared, numbers, material)


def score_other_data(
    runs: Sequence[TrainedRun], now: Config, device: torch.device, begin: Callable[[], None]
) -> Evaluation:
    """Score other data, with calibration and threshold as they were chosen on validation.

    The arguments are those of `score_own_data`; `now` has the data.

    Raises:
        DataError: The classes differ, or patients were trained on that must not be tested.
    """
    inference: Inference = build(now["inference"], "inference")
    material = load_unsplit(now, runs[0].store.redactor)
    names, own = material.source.class_names, runs[0].class_names
    several = material.source.multi_label
    if several != (runs[0].decider.thresholds is not None) or (several and names != own):
        raise DataError(
            f"data={now['choices']['data']}: the run and these data must both have one label per "
            f"image, or the same several ({', '.join(own)}); here: {', '.join(names)}."
        )
    if len(names) != len(own):
        raise DataError(
            f"data={now['choices']['data']}: it has {len(names)} classes ({', '.join(names)}), "
            f"the run has {len(own)} ({', '.join(own)})."
        )
    material, notes = _without_training_patients(material, runs, now["known_patients"])
    data = scoring_data(material, now)
    begin()
    test = score_split((run.network() for run in runs), data, "test", inference, device)
    decider = runs[0].decider
    if len(runs) > 1:
        decider, same = _ensemble_decider(runs)
        if not same:
            notes.append(
                "The members of this ensemble have different validation splits: calibration and "
                "threshold were chosen on scores of single members, which are more spread out than "
                "their mean."
            )
    if inference != decider.inference:
        notes.append(
            f"Scores are the {inference.describe()}; calibration and threshold were chosen on "
            f"scores of {decider.inference.describe()}."
        )
    if decider.smoother is not None and not has_positions(test):
        notes.append("These data have no positions (x and y), so nothing was smoothed.")
    test = decide_split(test, decider, len(own), material.source.patch_size)
    numbers = take_numbers(test, material.index, len(own), now, decider, material.leaky, own)
    numbers.notes.extend(notes)
    return Evaluation(test, decider, numbers, material)


def scoring_loader(now: Config) -> Mapping[str, Any]:
    """The options of loaders that only score."""
    size = now["loader"]["eval_batch_size"]
    return {"batch_size": size, "eval_batch_size": size, "num_workers": 0, "sampler": "shuffle"}


def scoring_data(material: Material, now: Config) -> PatchDataModule:
    """The loaders of data that are only scored."""
    names, loader = material.source.class_names, scoring_loader(now)
    return PatchDataModule(material.patches, material.index, names, seed=now["seed"], **loader)


def _refuse_shared_patients(runs: Sequence[TrainedRun]) -> None:
    """Refuse, before anything is scored, splits that test a patient twice."""
    splits = [run.origin.splits for run in runs]
    tested = Counter(p for split in splits for p, name in split.items() if name == "test")
    twice = sorted(patient for patient, count in tested.items() if count > 1)
    if twice:
        raise ConfigError(
            f"run: the jobs of this sweep have {len(runs)} different splits, and {len(twice)} "
            f"patient(s) are tested by more than one of them ({', '.join(twice[:5])}), so they "
            f"cannot be pooled. Evaluate the runs one by one."
        )


def _without_training_patients(
    material: Material, runs: Sequence[TrainedRun], action: str
) -> tuple[Material, list[str]]:
    """Apply ``known_patients``: the policy for patients that a run was trained or tuned on."""
    seen = {p for run in runs for p, split in run.origin.splits.items() if split != "test"}
    index = material.index
    trained_on = index["patient"].isin(seen) & (index["split"] == "test")
    patients = sorted(index["patient"][trained_on].unique())
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
    split = index["split"].where(~trained_on, "")
    if not (split == "test").any():
        raise DataError("known_patients=drop: the run was trained or tuned on all patients.")
    note = f"{len(patients)} patient(s) that the run was trained or tuned on were left out."
    return material.with_splits(split.to_numpy(object)), [note]


def _ensemble_decider(runs: Sequence[TrainedRun]) -> tuple[Decider, bool]:
    """Fit an ensemble on its stored validation scores; whether its members' splits are the same."""
    stored = pd.concat([run.predictions() for run in runs], ignore_index=True)
    val = stored[stored["split"] == "val"]
    # Each patch counts once, with the mean of the members that had it in their validation split.
    names = [c for c in val if str(c).startswith("score_raw")]
    several = [c for c in val if re.fullmatch(r"label_\d+", str(c))]
    facts = [c for c in ("label", LABELS, *several, "patient", *POSITION) if c in val]
    mean = val.groupby("path", sort=True).agg(
        dict.fromkeys(names, "mean") | dict.fromkeys(facts, "first")
    )
    same = bool((val.groupby("path").size() == len(runs)).all())
    return fit_decision(mean.reset_index(), runs[0].class_names, runs[0].config), same
