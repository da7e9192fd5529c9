"""Three classes in folders, of images without coordinates: packed, learnt, judged by a reader."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from conftest import ONLY_MAPS, TINY, Cli
from idc.reader_study.answer import Answer
from idc.reader_study.answer_store import AnswerStore

CLASSES = ("benign", "in_situ", "invasive")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six patients with four images of each class, each class in a colour of its own."""
    root = tmp_path / "images"
    rng = np.random.default_rng(0)
    for patient in range(6):
        for label, name in enumerate(CLASSES):
            for i in range(4):
                image = rng.integers(60, 160, (32, 32, 3), dtype=np.uint8)
                image[:, :, label] = np.minimum(image[:, :, label] + 80, 255)
                path = root / name / f"P{patient}_{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), image)
    return root


def test_folders_of_three_classes_are_packed_learnt_and_reviewed(
    app: Callable[[str], Cli], folder: Path, tmp_path: Path
) -> None:
    pattern = "data.patient_pattern='(?P<patient>P[0-9])_'"
    data = ("data=folder", f"data.root={folder}", pattern, "data.patch_size=32")
    prepared = app("prepare")(*data)
    assert prepared.code == 0, prepared.err
    assert (prepared.folders[0] / "report" / "report.html").is_file()

    options = [o for o in TINY if not o.startswith(("data.", "explain=", "report="))]
    maps = ("explain=[gradcam,saliency]", "explain.per_kind=1", *ONLY_MAPS[1:])
    maps = (*maps, "explain.faithfulness.patches=2", "explain.faithfulness.steps=2")
    refused = app("train")(*options, *data, "postprocess=mean")
    assert refused.code == 1
    assert "postprocess=mean: the data have no positions" in refused.err
    trained = app("train")(*options, *data, *maps)
    assert trained.code == 0, trained.err
    run = trained.runs()[0]
    run_id = run.info.run_id
    assert 0 <= run.data.metrics["test/balanced_accuracy"] <= 1
    assert "val/threshold" not in run.data.metrics
    place = trained.folders[-1] / "evaluation"
    predictions = pd.read_parquet(place / "predictions.parquet")
    assert json.loads(run.data.tags["data.class_names"]) == list(CLASSES)
    assert (place / "report.html").is_file()

    test = predictions[predictions["split"] == "test"].head(3)
    answers = AnswerStore(tmp_path / "reviews" / run_id / "answers.sqlite")
    for path, label in zip(test["path"], test["label"], strict=True):
        time = "2026-11-21T10:00:00+00:00"
        rest = ("partly", "saliency", "", False, 2.0, time, "blinded", "random", "all")
        answers.add(Answer("AB", path, int(label), *rest))
    reviewed = app("review")(f"run={run_id}", "serve=false", "explain=saliency", "device=cpu")
    assert reviewed.code == 0, reviewed.err
    reviewed_run = reviewed.client.get_run(run_id)
    assert reviewed.metrics(reviewed_run)["review/map_partly_saliency"] == 1
