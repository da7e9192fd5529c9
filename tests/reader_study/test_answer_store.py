"""The answers: nothing that was saved is lost, and nothing broken is taken for an answer."""

import json
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from answer_cases import ANN

from idc.errors import DataError
from idc.reader_study.answer import ReviewError
from idc.reader_study.answer_store import AnswerStore


def test_what_was_added_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "new # %20" / "answers.sqlite"
    answers = AnswerStore(path)
    given = [replace(ANN, case=f"{i}.png", remark='Zellkerne: "groß"\n\u2028') for i in range(3)]
    for answer in given:
        answers.add(answer)
        assert AnswerStore(path).history()[-1] == answer
    assert answers.history(case="1.png") == [given[1]] and answers.history("Bo") == []
    assert answers.answered("Ann") == {a.case for a in given}
    copy = AnswerStore(tmp_path / "copy.sqlite")
    (tmp_path / "lines.jsonl").write_text(answers.lines(), encoding="utf-8")
    for _ in range(2):  # those that are there already are not added again
        copy.add_file(tmp_path / "lines.jsonl")
        assert copy.history() == given
    assert path.stat().st_mode & 0o077 == 0


WRITER = """
import sys
from dataclasses import replace
from idc.reader_study.answer_store import AnswerStore
from answer_cases import ANN
answers = AnswerStore(sys.argv[1])
for i in range(10_000):
    answers.add(replace(ANN, reader=sys.argv[2], case=f"{i}.png", remark="x" * 500))
    print(i, flush=True)
"""


def test_processes_write_at_once_and_a_kill_loses_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    folder = Path(__file__).parent
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), reader],
            stdout=subprocess.PIPE, text=True, cwd=folder,
        )
        for reader in ("Ann", "Bo")
    ]  # fmt: skip
    saved = {}
    for writer, reader in zip(writers, ("Ann", "Bo"), strict=True):
        assert writer.stdout is not None
        for _ in range(20):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        rest, _ = writer.communicate()
        saved[reader] = 20 + rest.count("\n")
    answers = AnswerStore(path)
    for reader, number in saved.items():
        assert {f"{i}.png" for i in range(number)} <= answers.answered(reader)
    assert {len(a.remark) for a in answers.history()} == {500}
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    answers.add(ANN)


def test_threads_share_a_store(tmp_path: Path) -> None:
    answers = AnswerStore(tmp_path / "a.sqlite")

    def write(reader: str) -> None:
        for i in range(5):
            answers.add(replace(ANN, reader=reader, case=f"{i}.png"))

    threads = [threading.Thread(target=write, args=(f"R{k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers.answers()) == 20


def test_the_journal_of_an_earlier_version_is_imported_once(tmp_path: Path) -> None:
    journal = tmp_path / "answers.jsonl"
    old = {k: v for k, v in asdict(ANN).items() if k not in ("order", "select")}
    whole = json.dumps(old).encode() + b"\n"
    journal.write_bytes(whole + whole.replace(b"a.png", b"b.png") + whole[:40])  # cut by a crash
    given = [ANN, replace(ANN, case="9001/1/b.png")]
    for _ in range(2):
        assert AnswerStore(tmp_path / "answers.sqlite").history() == given
    assert not journal.exists() and (tmp_path / "answers.jsonl.imported").exists()


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"\x00\x00\xff",
        b"[1]",
        b"{}",
        json.dumps({**asdict(ANN), "verdict": "IDC"}).encode(),
        json.dumps({**asdict(ANN), "map_marks": "maybe"}).encode(),
        json.dumps({**asdict(ANN), "mood": 1}).encode(),
        json.dumps({**asdict(ANN), "order": None}).encode(),
        json.dumps({**asdict(ANN), "remark": ["a"]}).encode(),
        json.dumps({k: v for k, v in asdict(ANN).items() if k != "mode"}).encode(),
        b"",
    ],
)
def test_a_damaged_line_names_file_and_line_and_changes_nothing(
    tmp_path: Path, line: bytes
) -> None:
    path = tmp_path / "a.jsonl"
    whole = json.dumps(asdict(ANN)).encode()
    content = whole + b"\n" + line + b"\n" + whole + b"\n"
    path.write_bytes(content)
    with pytest.raises(ReviewError, match=r"a\.jsonl, line 2: not a valid answer"):
        AnswerStore(tmp_path / "a.sqlite")
    assert path.read_bytes() == content
    assert AnswerStore(tmp_path / "b.sqlite").history() == []


def test_a_full_disk_says_so_and_keeps_what_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    answers = AnswerStore(path)
    answers.add(ANN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A limit on file size stands in for a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, before[1]))
    try:
        with pytest.raises(ReviewError, match=r"cannot be read or saved.*free space"):
            answers.add(replace(ANN, remark="x" * 100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert answers.history() == [ANN]
    answers.add(replace(ANN, case="b.png"))  # there is room again
    assert len(AnswerStore(path).history()) == 2


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no database, but a text of some length" * 10)
    for path, words in (("file/a.sqlite", "cannot be used"), ("file", "not a database")):
        with pytest.raises(ReviewError, match=words):
            AnswerStore(tmp_path / path)
    answers = AnswerStore(tmp_path / "a.sqlite")
    with pytest.raises(ReviewError, match="cannot be read"):
        answers.add_file(tmp_path / "none.jsonl")
    answers.path.rename(tmp_path / "b.sqlite")
    with pytest.raises(ReviewError, match=r"a\.sqlite.*unable to open"):
        answers.add(ANN)
    assert not answers.path.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"reader": ""},
        {"reader": " Ann"},
        {"case": ""},
        {"verdict": -2},
        {"verdict": 0.5},
        {"map_marks": "yes"},
        {"mode": "shut"},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"seconds": -1.0},
        {"time": "yesterday"},
        {"time": "2026-01-02T03:04:05"},
        {"time": "2026-01-02T03:04:05+02:00"},
        {"seen_model": 2},
        {"remark": None},
    ],
)
def test_an_invalid_answer_is_refused(wrong: dict[str, object], tmp_path: Path) -> None:
    answers = AnswerStore(tmp_path / "a.sqlite")
    with pytest.raises(ReviewError, match=next(iter(wrong))):
        answers.add(replace(ANN, **wrong))  # type: ignore[arg-type]
    assert answers.history() == []


def test_names_that_mean_the_same_reader(tmp_path: Path) -> None:
    answers = AnswerStore(tmp_path / "a.sqlite")
    answers.add(replace(ANN, reader="Zoë B"))
    assert answers.reader_name("  zoe\u0308   b ") == "Zoë B"
    assert answers.reader_name("Zed") == "Zed"


@pytest.mark.parametrize("typed", ["", "   ", "a" * 41, "a\x00b", "a\u202eb"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, typed: str) -> None:
    with pytest.raises(DataError, match="name or initials"):
        AnswerStore(tmp_path / "a.sqlite").reader_name(typed)
