"""The end of a review: the answers that count, their patches, and caveats of the maps."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from idc.attribution.methods import Attributions
from idc.attribution.pipeline.explained_model import Subject, score_rows
from idc.data.corrections import read_corrections, save_corrections
from idc.data.material import Material
from idc.evaluation.decision import Decider
from idc.evaluation.inference import Inference
from idc.metrics.calibration import Calibration
from idc.pipelines.build import build_network
from idc.pipelines.dataset import load_material
from idc.reader_study.answer import Answer, as_frame, counted_answers
from idc.reader_study.case_book import UNMEASURED, caveats
from idc.reader_study.export import ExportRule
from idc.reader_study.review_results import evaluate_answers
from idc.reader_study.usable_answers import match_predictions, select_readers

TIME = "2026-01-02T03:04:05+00:00"
LOADER = {"batch_size": 32, "eval_batch_size": 32, "num_workers": 0, "sampler": "shuffle"}
DECIDER = Decider(Calibration("none"), 0.5, None, Inference())


def answer(reader: str, case: str, verdict: int, seen: bool = False) -> Answer:
    return Answer(reader, case, verdict, "", "", "", seen, 1.0, TIME, "blinded", "random", "all")


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
    answers = as_frame(counted_answers(answer("Ann", case, 1) for case in cases))
    kept, scores, notes = match_predictions(subject, material, DECIDER, LOADER, answers)
    assert kept["case"].tolist() == [tested, learnt]
    assert len(scores) == len(subject.predictions) + 1
    (scored,) = scores[scores["path"] == learnt].to_dict("records")
    assert 0 <= scored["score"] <= 1
    (note,) = notes
    assert "2 of 4 answers are excluded" in note
    whole = match_predictions(subject, material, DECIDER, LOADER, kept)
    assert whole[2] == []


def test_readers_who_are_kept() -> None:
    answers = as_frame(counted_answers(answer(name, "a.png", 1) for name in ("Ann", "Bo", "test")))
    assert select_readers(answers, None) == (answers, [])
    kept, notes = select_readers(answers, ["ann", "Bo", "Cy"])
    assert kept["reader"].tolist() == ["Ann", "Bo"]
    assert "no answer of Cy" in notes[0]
    assert "test are excluded" in notes[1]


def test_a_method_that_was_not_measured_says_so() -> None:
    fine = Attributions(np.zeros((1, 4, 4), np.float32), "conv", np.zeros(1))
    maps = {"gradcam": fine, "saliency": fine, "occlusion": replace(fine, note="slow")}
    cautions = caveats(maps, {"saliency": "fails the weights check"}, ["gradcam", "saliency"])
    assert cautions == {"saliency": "fails the weights check", "occlusion": f"{UNMEASURED}; slow"}


def test_a_review_of_a_corrected_run_says_what_its_corrections_are(tmp_path: Path) -> None:
    names = [f"{i}.png" for i in range(4)]
    lines = [("0.png", 0, "relabel", 1, 2, "x"), ("gone.png", 1, "exclude", 1, 2, "x")]
    columns = ["path", "label_before", "action", "label_after", "readers", "reason"]
    save_corrections(pd.DataFrame(lines, columns=columns), tmp_path / "first.csv")
    earlier = read_corrections(tmp_path / "first.csv")
    data = pd.DataFrame(
        {"path": names, "patient": "p", "x": 0, "y": 0, "split": "test", "label": [1, 0, 1, 0]}
    ).assign(predicted=[1, 0, 1, 0], score=[0.9, 0.1, 0.9, 0.1])
    history = [answer(reader, name, 1) for reader in ("Ann", "Bo") for name in names[:2]]
    history += [answer(reader, "3.png", 1, seen=True) for reader in ("Ann", "Bo")]
    answers = as_frame(counted_answers(history))
    results = evaluate_answers(
        answers, data, ["no", "IDC"], ExportRule(), 0, tmp_path / "out", earlier
    )
    table = read_corrections(tmp_path / "out" / "corrections.csv").table
    assert table["path"].tolist() == ["0.png", "1.png", "gone.png"]
    assert results.metrics["review/corrections"] == 3
    notes = " ".join(results.notes)
    assert "2 of 6 verdicts were given after seeing the model's answer and correct no" in notes
    assert "1 of the cases have a label corrected by an earlier review" in notes
    assert "the 2 correction(s) that the run was trained with" in notes
    assert (tmp_path / "out" / "agreement.png").is_file()
