"""A review from the trained run to the next training, through the real command lines."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conftest import PATIENCE, TINY, Cli, Result
from idc.reader_study.answer import Answer
from idc.reader_study.answer_store import AnswerStore
from idc.reader_study.case import CaseBook
from idc.reader_study.reading import Reading
from idc.reader_study.serving import Settings

App = Callable[[str], Cli]
FEW = ("explain=gradcam", "device=cpu")


def answer(reader: str, case: str, verdict: int, second: int) -> Answer:
    time = f"2026-11-21T10:00:{second:02d}+00:00"
    return Answer(
        reader, case, verdict, "partly", "gradcam", "", False, 2.0, time, "blinded", "random", "all"
    )


@pytest.mark.slow
def test_readers_who_contradict_labels_correct_the_next_training(
    trained: Result, cli: Cli, app: App, tmp_path: Path
) -> None:
    (run,) = trained.runs()
    run_id = run.info.run_id
    test = pd.read_parquet(trained.folders[0] / "evaluation" / "predictions.parquet")
    test = test[test["split"] == "test"].head(6)
    answers = AnswerStore(tmp_path / "reviews" / run_id / "answers.sqlite")
    for number, (path, label) in enumerate(zip(test["path"], test["label"], strict=True)):
        # Both contradict the first label, agree with the others, and are unsure of the last.
        verdict = 1 - label if number == 0 else -1 if number == 5 else label
        for reader in ("AB", "CD"):
            answers.add(answer(reader, path, int(verdict), number))

    review = app("review")
    own = f"hydra.run.dir={tmp_path / 'own'}"
    done = review(f"run={run_id}", "serve=false", "readers=[AB,CD]", own, *FEW)
    assert done.code == 0, done.err
    assert "(review, run" in cli(*TINY, own).err
    assert "6 cases, 2 reader(s), 1 label suspect(s), 2 correction(s)" in done.out
    (after,) = done.runs()
    assert after.info.status == "FINISHED"
    metrics = done.metrics(after)
    assert metrics["review/fleiss_kappa"] == 1
    assert metrics["review/kappa_AB__CD"] == 1
    assert metrics["review/map_partly_gradcam"] == 1
    artifacts = {a.path for a in done.client.list_artifacts(run_id, "review")}
    assert [name for name in artifacts if name.endswith(".jsonl")]
    wanted = ("answers.csv", "agreement.csv", "agreement.png", "suspects.csv", "corrections.csv")
    assert {f"review/{name}" for name in wanted} <= artifacts
    suspects = pd.read_csv(done.client.download_artifacts(run_id, "review/suspects.csv"))
    assert suspects["path"].tolist() == [test["path"].iloc[0]]

    corrections = done.client.download_artifacts(run_id, "review/corrections.csv", str(tmp_path))
    again = cli(*TINY, f"data.corrections={corrections}")
    assert again.code == 0, again.err
    newest = again.runs()[0].info.run_id
    split = pd.read_parquet(again.client.download_artifacts(newest, "split.parquet"))
    split = split.set_index("path")
    assert split["label"][test["path"].iloc[0]] == 1 - test["label"].iloc[0]
    assert test["path"].iloc[5] not in split.index
    assert split["label"][test["path"].iloc[1]] == test["label"].iloc[1]
    assert set(test["path"].iloc[:5]) <= set(split.index[split["split"] == "test"])

    # A second round, of the run with corrections: what it says goes with the first, on the same
    # data. An answer about a patch that the test split does not hold does not end it.
    learnt = split.index[split["split"] == "train"][0]
    answers = AnswerStore(tmp_path / "reviews" / newest / "answers.sqlite")
    for reader in ("AB", "CD"):
        second = test.iloc[1]
        answers.add(answer(reader, second["path"], int(1 - second["label"]), 0))
        answers.add(answer(reader, learnt, int(split["label"][learnt]), 1))
        answers.add(answer(reader, "elsewhere.png", 1, 2))
    done = review(f"run={newest}", "serve=false", *FEW)
    assert done.code == 0, done.err
    assert "2 of 6 answers are excluded" in done.err
    assert "2 cases, 2 reader(s), 1 label suspect(s), 3 correction(s)" in done.out
    both = done.client.download_artifacts(newest, "review/corrections.csv", str(tmp_path))
    third = cli(*TINY, f"data.corrections={both}")
    assert third.code == 0, third.err
    tags = third.runs()[0].data.tags
    assert tags["data.corrections"] == "2 relabelled, 1 excluded"


@pytest.mark.slow
def test_what_cannot_be_reviewed_is_refused_before_any_work(
    trained: Result, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IDC_REVIEW_PASSWORD", raising=False)
    (run,) = trained.runs()
    review = app("review")
    for options, words in (
        (("host=0.0.0.0",), "IDC_REVIEW_PASSWORD"),
        (("order=best",), "order=best"),
        (("mode=secret",), "mode"),
        (("select=patient=nobody",), "the data have no such"),
        (("export.least_readers=0",), "least_readers"),
        (("readers=AB",), "readers=AB"),
    ):
        refused = review(f"run={run.info.run_id}", *FEW, *options)
        assert refused.code == 1, options
        assert words in refused.err, refused.err
    unread = review(f"run={run.info.run_id}", *FEW, "serve=false")
    assert unread.code == 0, unread.err
    assert "no answers yet" in unread.out


@pytest.mark.slow
@pytest.mark.parametrize("interrupt", [signal.default_int_handler, signal.SIG_IGN])
def test_a_review_that_is_terminated_logs_what_was_answered(
    trained: Result, app: App, monkeypatch: pytest.MonkeyPatch, interrupt: Any
) -> None:
    """Also in the background of a script, where SIGINT is ignored."""
    (run,) = trained.runs()
    run_id = run.info.run_id

    def serve(book: CaseBook, answers: AnswerStore, settings: Settings, _: object) -> None:
        """A reader at the page, without one; tests/reader_study has the page itself."""
        assert (len(book.cases), book.methods, settings.host) == (3, ["gradcam"], "127.0.0.1")
        for case in book.cases:
            side = book.patch(case).shape[0]
            around = book.surroundings(case)
            assert around is not None and around.shape == (11 * side, 11 * side, 3)
            middle = slice(5 * side, 6 * side)
            assert (around[middle, middle] == book.patch(case)).all()
            assert book.attribution(case, "gradcam").shape == (side, side)
        reading = Reading(book.cases, answers, "AB", settings.mode, settings.order, settings.select)
        for verdict in (1, 0):
            reading.go(reading.unanswered()[0])
            given = reading.answer_verdict(verdict)
            assert given is not None
            reading.save(given)
            if verdict and (marked := reading.answer_marks("wrong", "gradcam")):
                reading.save(marked)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(PATIENCE)
        pytest.fail("the signal was lost")

    monkeypatch.setattr("idc.pipelines.review.serve", serve)
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        done = app("review")(f"run={run_id}", "count=3", "order=uncertainty", *FEW)
    finally:
        signal.signal(signal.SIGINT, before)
    assert done.code == 0, done.err
    assert "2 cases, 1 reader(s)" in done.out
    client = trained.client
    answers = pd.read_csv(client.download_artifacts(run_id, "review/answers.csv"))
    assert answers["verdict"].tolist() == [1, 0]
    assert answers["map_marks"].iloc[0] == "wrong"
    assert not answers["seen_model"].any()
    assert set(answers["order"]) == {"uncertainty"}
    assert set(answers["select"]) == {"all"}
    metrics = client.get_run(run_id).data.metrics
    kappas = [name for name in metrics if name.startswith("review/kappa")]
    assert all(name.endswith("_selected") for name in kappas)
    # The least sure case comes first.
    test = pd.read_parquet(trained.folders[0] / "evaluation" / "predictions.parquet")
    test = test[test["split"] == "test"]
    threshold = client.get_run(run_id).data.metrics["val/threshold"]
    far = (test["score"] - threshold).abs().rank(method="min")
    assert far[test["path"] == answers["case"].iloc[0]].iloc[0] <= 3
