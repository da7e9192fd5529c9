"""Which patches of a run are explained, and under which names."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stored_run import DECIDER, SMALL, present, store_at, write_run

from idc.attribution.pipeline.explained_model import Subject
from idc.attribution.select import Selection, parse_selection
from idc.data.material import Material
from idc.errors import ConfigError
from idc.pipelines.finished_run import TrainedRun, open_run
from idc.pipelines.subject import hide_names, select_pool, subject_of
from idc.tracking.privacy import Pseudonyms

Opened = tuple[TrainedRun, Material, Subject]


@pytest.fixture
def opened(compose: Callable[..., dict[str, Any]], tmp_path: Path) -> Opened:
    splits = ("split.val_patients=[9003]", "split.test_patients=[9004]")
    config = compose(*SMALL, f"paths.root={tmp_path}", *splits)
    run = open_run(store_at(tmp_path), write_run(config), present(config), tmp_path)
    material = run.material()
    return run, material, subject_of(run, material)


def test_a_run_is_explained_with_its_stored_decisions(opened: Opened) -> None:
    run, material, subject = opened
    assert subject.threshold == DECIDER.threshold
    assert subject.class_names == run.class_names
    paths = material.index["path"].to_numpy()
    assert (paths[subject.predictions["row"]] == subject.predictions["path"]).all()
    labels = material.index["label"].to_numpy()[subject.test["row"]]
    assert (labels == subject.test["label"]).all()


def test_cases_come_from_the_test_split_unless_they_are_named(opened: Opened) -> None:
    run, material, subject = opened
    for text in ("kinds", "errors", "random", "all"):
        same, pool = select_pool(subject, material, run.decider, parse_selection(text), run.now)
        assert same is subject
        assert set(pool["split"]) == {"test"}
    selection = parse_selection("patient=9003")
    _, pool = select_pool(subject, material, run.decider, selection, run.now)
    assert set(pool["patient"]) == {"9003"}
    assert set(pool["split"]) == {"val"}


def test_named_patches_of_training_are_scored(
    opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    run, material, subject = opened
    train = material.rows("train")["path"].tolist()[:2]
    selection = Selection("files", (*train, subject.test["path"][0]))
    more, pool = select_pool(subject, material, run.decider, selection, run.now)
    assert set(pool["path"]) == set(selection.names)
    assert len(more.predictions) == len(subject.predictions) + 2
    assert (pool["predicted"] == (pool["score"] >= DECIDER.threshold)).all()
    assert "2 of the named patches were not tested (2 were trained on)" in caplog.text


def test_named_patches_that_are_not_in_use_are_refused(opened: Opened) -> None:
    run, material, subject = opened
    split = material.index["split"].to_numpy(object).copy()
    split[(material.index["patient"] == "9001").to_numpy()] = ""
    material = material.with_splits(split)
    with pytest.raises(ConfigError, match="none of the named patches is in use"):
        select_pool(subject, material, run.decider, parse_selection("patient=9001"), run.now)


def test_names_of_patients_are_hidden_where_pseudonyms_are_kept() -> None:
    names = Pseudonyms("0123456789abcdef0123456789abcdef")
    selection = Selection("patient", ("9001",))
    assert hide_names(selection, None) is selection
    assert hide_names(selection, names).names == (names.of("9001"),)
    files = Selection("files", ("9001/*",))
    assert hide_names(files, names) is files


def test_predictions_lie_where_their_patches_lie_now(opened: Opened) -> None:
    run, material, subject = opened
    order = np.random.default_rng(0).permutation(len(material.index))
    moved = Material(
        **{
            **vars(material),
            "index": material.index.iloc[order].reset_index(drop=True),
            "patches": material.patches[order],
        }
    )
    other = subject_of(run, moved)
    assert (other.pixels(other.test) == subject.pixels(subject.test)).all()
