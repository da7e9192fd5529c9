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
from idc.reader_study import mirrored_journal as journals
from idc.reader_study.answer import Answer, counted_answers
from idc.reader_study.answer_journal import AnswerJournal
from idc.reader_study.mirrored_journal import (
    FOLDER,
    MirroredJournal,
    copy_name,
    mirrored,
    open_journal,
)
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
    answers_of = {"one": later, "two": ANN, "three": replace(ANN, reader="Bo")}
    opened = {}
    for machine in answers_of:  # each begins before another has copied anything
        monkeypatch.setattr(platform, "node", lambda machine=machine: f"host-{machine}")
        opened[machine] = open_journal(tmp_path / machine, run.run_id, store, tmp_path / "down")
        with mirrored(opened[machine], run, "random", "all") as keeper:
            if machine == "one":
                assert keeper.history() == []
            keeper.add(answers_of[machine])
        opened[machine].close()
    names = [path for path, _ in list_artifacts(store, run.run_id, FOLDER)]
    assert len(names) == 3
    assert not any("host" in name for name in names)
    with open_journal(tmp_path / "four", run.run_id, store, tmp_path / "down4") as fourth:
        assert len(fourth.history()) == 3
        counted = {s.answer.reader: s for s in fourth.answers()}
    # The blind verdict was given first, though it came in later.
    assert (counted["Ann"].answer.verdict, counted["Ann"].last) == (1, 0)
    assert {a.order for s in counted.values() for a in [s.answer]} == {"random"}
    with open_journal(tmp_path / "four", run.run_id, store, tmp_path / "down5") as again:
        assert len(again.history()) == 3


def test_an_older_copy_is_read_too(store: MlflowStore, tmp_path: Path) -> None:
    run = MlflowRun(store, name="old")
    with AnswerJournal(tmp_path / "answers.jsonl") as old:
        old.add(ANN)
    run.artifacts(tmp_path / "answers.jsonl", FOLDER)
    with open_journal(tmp_path / "new", run.run_id, store, tmp_path / "down") as journal:
        assert journal.history() == [ANN]


def test_a_store_that_cannot_be_reached_is_not_an_empty_one(
    store: MlflowStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = MlflowRun(store, name="lost")
    with AnswerJournal(tmp_path / "one" / "answers.jsonl") as journal:
        journal.add(ANN)
        MirroredJournal(journal, run).copy()

    def broken(*_: object, **__: object) -> str:
        raise OSError("no route to host")

    monkeypatch.setattr(mlflow.MlflowClient, "download_artifacts", broken)
    with pytest.raises(TrackingError, match="cannot be downloaded"):
        open_journal(tmp_path / "two", run.run_id, store, tmp_path / "down")


class Moody:
    """A run whose store fails in a way that nobody has thought of, once."""

    def __init__(self) -> None:
        self.copied = threading.Event()
        self.failed = False

    def artifacts(self, path: Path, under: str = "") -> None:
        if not self.failed:
            self.failed = True
            raise RuntimeError("out of order")
        self.copied.set()


def test_whatever_a_store_raises_copying_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "EVERY", 0.01)
    run = Moody()
    with (
        AnswerJournal(tmp_path / "answers.jsonl") as journal,
        mirrored(journal, run, "random", "all") as keeper,  # type: ignore[arg-type]
    ):
        keeper.add(ANN)
        assert run.copied.wait(PATIENCE)
        run.failed = False
        keeper.add(replace(ANN, case="b.png"))  # and the last copy of all may fail too


def test_an_answer_that_is_changed_later_keeps_how_its_case_came(tmp_path: Path) -> None:
    with AnswerJournal(tmp_path / "answers.jsonl") as journal:
        MirroredJournal(journal, Moody(), "suspects", "all").add(ANN)  # type: ignore[arg-type]
        (first,) = journal.history()
        remark = replace(first, remark="hm")
        MirroredJournal(journal, Moody(), "random", "all").add(remark)  # type: ignore[arg-type]
        (one,) = counted_answers(journal.history())
    assert (one.answer.order, one.answer.remark) == ("suspects", "hm")
    assert copy_name(tmp_path / "a") != copy_name(tmp_path / "b" / "a")
