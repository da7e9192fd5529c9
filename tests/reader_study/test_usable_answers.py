"""Answers of chosen readers, with the predictions of their cases."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from answer_cases import ANN

from idc.attribution.pipeline.explained_model import Subject, score_rows
from idc.data.material import Material
from idc.evaluation.decision import Decider
from idc.evaluation.inference import Inference
from idc.metrics.calibration import Calibration
from idc.pipelines.build import build_network
from idc.pipelines.dataset import load_material
from idc.reader_study.answer import as_frame, counted_answers
from idc.reader_study.usable_answers import match_predictions, select_readers

LOADER = {"batch_size": 32, "eval_batch_size": 32, "num_workers": 0, "sampler": "shuffle"}


DECIDER = Decider(Calibration("none"), 0.5, None, Inference())


@pytest.fixture
def reviewed(compose: Callable[..., dict[str, Any]]) -> tuple[Subject, Material]:
    """A run of an untrained network, with predictions of its test split."""
    config = compose("data.patients=5", "data.patches_per_patient=24", "backbone=simple_cnn")
    material = load_material(config)
    torch.manual_seed(0)
    network = build_network(config, 2, ([0.5] * 3, [0.2] * 3)).eval()
    rows = np.flatnonzero((material.index["split"] == "test").to_numpy()).astype(np.int64)
    device = torch.device("cpu")
    scores = score_rows(network, material, rows, DECIDER, LOADER, device)
    subject = Subject(
        network, scores, material.index, material.patches, ("no", "IDC"), 50, 0.5, device
    )
    return subject, material


def test_answers_about_other_patches_do_not_end_a_review(
    reviewed: tuple[Subject, Material],
) -> None:
    subject, material = reviewed
    split = material.index["split"].to_numpy(object).copy()
    train = np.flatnonzero(split == "train")
    split[train[1]] = ""  # the audit dropped it
    material = material.with_splits(split)
    paths = material.index["path"]
    tested, learnt, dropped = subject.test["path"][0], paths[train[0]], paths[train[1]]
    cases = [tested, learnt, dropped, "elsewhere.png"]
    answers = as_frame(counted_answers(replace(ANN, case=case) for case in cases))
    kept, scores, notes = match_predictions(subject, material, DECIDER, LOADER, answers)
    assert kept["case"].tolist() == [tested, learnt]
    assert len(scores) == len(subject.predictions) + 1
    (scored,) = scores[scores["path"] == learnt].to_dict("records")
    assert 0 <= scored["score"] <= 1
    (note,) = notes
    assert "2 of 4 answers are excluded" in note
    whole = match_predictions(subject, material, DECIDER, LOADER, kept)
    assert whole[2] == []


def test_the_readers_that_are_chosen_are_kept() -> None:
    answers = as_frame(counted_answers(replace(ANN, reader=name) for name in ("Ann", "Bo", "test")))
    assert select_readers(answers, None) == (answers, [])
    kept, notes = select_readers(answers, ["ann", "Bo", "Cy"])
    assert kept["reader"].tolist() == ["Ann", "Bo"]
    assert "no answer of Cy" in notes[0]
    assert "test are excluded" in notes[1]
