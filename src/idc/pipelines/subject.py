"""What is explained and reviewed: a run's network, with the patches that it scored."""

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from idc.attribution.pipeline.explained_model import Subject, match_rows, score_rows
from idc.attribution.select import NAMED, Selection, named_rows
from idc.config.build import Config
from idc.data.material import Material
from idc.errors import ConfigError
from idc.evaluation.decision import Decider
from idc.models.network import Network
from idc.pipelines.finished_run import TrainedRun, choose_device
from idc.pipelines.scoring import scoring_loader
from idc.tracking.privacy import Pseudonyms, Redactor

log = logging.getLogger(__name__)


def build_subject(
    network: Network,
    predictions: pd.DataFrame,
    decider: Decider | None,
    material: Material,
    class_names: Sequence[str],
    redactor: Redactor,
) -> Subject:
    """The subject of explanations.

    Args:
        network: The network, on the device where it is to be explained.
        predictions: Decided predictions whose ``row`` is that of the material's index.
        decider: What made the decisions; None for pooled folds.
        material: The data.
        class_names: One name per class.
        redactor: Has the patients' pseudonyms, if they are hidden.
    """
    return Subject(
        network=network,
        predictions=predictions,
        index=material.index,
        patches=material.patches,
        class_names=class_names,
        patch_size=material.source.patch_size,
        threshold=decider.threshold if decider else None,
        device=next(network.parameters()).device,
        alias=redactor.pseudonym_of,
        truth=material.truth,
        thresholds=decider.thresholds.each if decider and decider.thresholds else (),
    )


def subject_of(run: TrainedRun, material: Material) -> Subject:
    """A finished run with its network, its data and its stored predictions.

    Raises:
        DataError: A predicted patch is not among the data.
        CheckpointError: Weights or predictions are missing or damaged.
    """
    predictions = match_rows(run.predictions(), material.index, f"run={run.run_id}")
    network = run.network().to(choose_device(run.now["device"]))
    redactor = run.store.redactor
    return build_subject(network, predictions, run.decider, material, run.class_names, redactor)


def hide_names(selection: Selection, names: Pseudonyms | None) -> Selection:
    """The selection with pseudonyms in place of patients' own names."""
    if names is None or selection.what != "patient":
        return selection
    return Selection(selection.what, tuple(names.of(patient) for patient in selection.names))


def select_pool(
    subject: Subject, material: Material, decider: Decider, selection: Selection, now: Config
) -> tuple[Subject, pd.DataFrame]:
    """Select the predictions that cases are chosen from: the test split's, or the named ones.

    Named patches without a stored prediction are scored; the selection names patients as the
    predictions do.

    Returns:
        The subject, with the predictions of the patches that were scored; the pool.

    Raises:
        ConfigError: A name fits nothing.
    """
    if selection.what not in NAMED:
        return subject, subject.test
    rows = named_rows(selection, material.index)
    rows = rows[material.index["split"].to_numpy()[rows] != ""]
    if not len(rows):
        raise ConfigError("explain.select: none of the named patches is in use; see audit=... .")
    predictions = subject.predictions
    missing = np.setdiff1d(rows, predictions["row"].to_numpy())
    if len(missing):
        splits = material.index["split"].to_numpy()[missing]
        log.warning(
            "%d of the named patches were not tested (%d were trained on): scores of patches that "
            "were trained on look better than they are",
            len(missing),
            int((splits == "train").sum()),
        )
        loader, device = scoring_loader(now), subject.device
        more = score_rows(subject.network, material, missing, decider, loader, device)
        predictions = pd.concat([predictions, more], ignore_index=True)
        subject = replace(subject, predictions=predictions)
    return subject, predictions[predictions["row"].isin(rows)].reset_index(drop=True)
