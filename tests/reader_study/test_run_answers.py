"""A run's answers from several machines: none overwrites another, and none is lost."""

import platform
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest

from conftest import PATIENCE
from idc.errors import TrackingError
from idc.reader_study import run_answers
from idc.reader_study.answer import Answer
from idc.reader_study.answer_store import AnswerStore
from idc.reader_study.run_answers import FOLDER, copied, copy_answers, copy_name, open_answers
from idc.tracking.lookup import list_artifacts
from idc.tracking.mlflow_run import MlflowRun
from idc.tracking.mlflow_store import MlflowStore, open_store

TIME = "2026-01-02T03:04:05+00:00"
ANN = Answer("Ann", "a.png", 1, "", "", "", False, 1.0, TIME, "blinded")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowStore]:
    store = open_store("local", None, "idc", tmp_path_factory.mktemp("store") / "mlruns")
    assert store is not None
    yield store


def test_two_machines_keep_their_own_copies_and_know_both(
    store: MlflowStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = MlflowRun(store, name="reviewed")
    later = replace(ANN, verdict=0, seen_model=True, time="2026-01-02T03:05:00+00:00")
    for machine, answer in {"one": later, "two": ANN, "three": replace(ANN, reader="Bo")}.items():
        monkeypatch.setattr(platform, "node", lambda machine=machine: f"host-{machine}")
        answers = open_answers(tmp_path / machine, run.run_id, store, tmp_path / "down")
        with copied(answers, run):
            answers.add(answer)
    names = [path for path, _ in list_artifacts(store, run.run_id, FOLDER)]
    assert len(names) == 3
    assert not any("host" in name for name in names)
    for number in range(2):
        folder = tmp_path / f"down{number}"
        fourth = open_answers(tmp_path / "four", run.run_id, store, folder)
        assert len(fourth.history()) == 3
    counted = {c.answer.reader: c for c in fourth.answers()}
    # The blinded verdict was given first, although it was added later.
    assert (counted["Ann"].answer.verdict, counted["Ann"].last) == (1, 0)
    assert copy_name(tmp_path / "a") != copy_name(tmp_path / "b" / "a")


def test_a_store_that_cannot_be_reached_is_not_an_empty_one(
    store: MlflowStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = MlflowRun(store, name="lost")
    answers = AnswerStore(tmp_path / "one" / "answers.sqlite")
    answers.add(ANN)
    copy_answers(answers, run)

    def broken(*_: object, **__: object) -> str:
        raise OSError("no route to host")

    monkeypatch.setattr(mlflow.MlflowClient, "download_artifacts", broken)
    with pytest.raises(TrackingError, match="cannot be downloaded"):
        open_answers(tmp_path / "two", run.run_id, store, tmp_path / "down")


class FailingRun:
    """A run whose store fails once, with an unexpected error."""

    def __init__(self) -> None:
        self.copied = threading.Event()
        self.failed = False

    def artifacts(self, path: Path, under: str = "") -> None:
        if not self.failed:
            self.failed = True
            raise RuntimeError("out of order")
        self.copied.set()


def test_copying_goes_on_after_any_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_answers, "EVERY", 0.01)
    run = FailingRun()
    answers = AnswerStore(tmp_path / "answers.sqlite")
    with copied(answers, run):  # type: ignore[arg-type]
        answers.add(ANN)
        assert run.copied.wait(PATIENCE)
        run.failed = False
        answers.add(replace(ANN, case="b.png"))  # the last copy may fail, too
