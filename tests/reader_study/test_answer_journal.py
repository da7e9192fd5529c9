"""The journal: nothing that was saved is lost, and nothing broken is taken for an answer."""

import json
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from idc.reader_study.answer import Answer, ReviewError, as_frame, counted_answers
from idc.reader_study.answer_journal import AnswerJournal, read_history

ANN = Answer(
    reader="Ann",
    case="9001/1/a.png",
    verdict=1,
    map_marks="",
    method="gradcam",
    remark="",
    seen_model=False,
    seconds=3.5,
    time="2026-01-02T03:04:05+00:00",
    mode="blinded",
)


def test_what_was_added_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "answers.jsonl"
    given = [replace(ANN, case=f"{i}.png", remark='Zellkerne: "groß"\n\u2028') for i in range(3)]
    with AnswerJournal(path) as journal:
        for answer in given:
            journal.add(answer)
            assert read_history(path)[-1] == answer  # before it is closed
        assert journal.history() == given
        assert journal.notes == []
    with AnswerJournal(path) as journal:
        assert journal.history() == given
        journal.add(ANN)
    assert read_history(path) == [*given, ANN]


def test_the_blinded_verdict_counts_and_the_last_words(tmp_path: Path) -> None:
    first = replace(ANN, verdict=0)
    second = replace(ANN, verdict=1, seconds=9.0)  # thought again, still blind
    seen = replace(ANN, verdict=0, seen_model=True, map_marks="wrong", remark="glass")
    again = replace(seen, seen_model=False, verdict=-1, remark="hm")  # no longer blind
    (one,) = counted_answers([first, second, seen, again])
    assert (one.answer.verdict, one.answer.seconds, one.answer.seen_model) == (1, 9.0, False)
    assert (one.answer.map_marks, one.answer.remark) == ("wrong", "hm")
    assert (one.last, one.changed) == (-1, True)
    (one,) = counted_answers([seen, again])  # never blind: the latest, whatever it says of itself
    assert (one.answer.verdict, one.answer.seen_model, one.changed) == (-1, True, False)
    assert not counted_answers([second, replace(seen, verdict=1)])[0].changed

    path = tmp_path / "a.jsonl"
    with AnswerJournal(path) as journal:
        for answer in (first, second, seen, replace(first, reader="Bo"), again):
            journal.add(answer)
        assert [s.answer.reader for s in journal.answers()] == ["Ann", "Bo"]
    table = as_frame(counted_answers(read_history(path))).set_index("reader")
    assert table.loc["Ann", ["verdict", "last", "changed"]].tolist() == [1, -1, True]
    assert table.loc["Bo", ["verdict", "last", "changed"]].tolist() == [0, 0, False]
    assert set(asdict(ANN)) - {"reader"} <= set(table)


def test_what_came_in_late_from_another_machine_stands_where_it_was_given() -> None:
    blind = replace(ANN, verdict=0, time="2026-01-02T10:00:00.200+00:00", order="suspects")
    seen = replace(blind, verdict=1, seen_model=True, time="2026-01-02T10:00:05+00:00")
    first = replace(blind, verdict=-1, time="2026-01-02T10:00:00.100Z", order="random")
    (one,) = counted_answers([seen, blind, first])
    assert (one.answer.verdict, one.answer.seen_model, one.last) == (0, False, 1)
    assert one.answer.order == "random"  # that is how the case came to the reader
    late = replace(ANN, time="2026-01-02T09:00:00+00:00", verdict=1, seen_model=True)
    (one,) = counted_answers([seen, blind, late])
    assert (one.answer.verdict, one.answer.seen_model, one.last) == (1, True, 1)


def test_a_journal_without_the_newer_fields_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    old = {k: v for k, v in asdict(ANN).items() if k not in ("order", "select")}
    path.write_text(json.dumps(old) + "\n")
    assert read_history(path) == [ANN]
    with AnswerJournal(path) as journal:
        journal.add(replace(ANN, case="b.png", order="random", select="all"))
    assert [(a.order, a.select) for a in read_history(path)] == [("", ""), ("random", "all")]


def test_an_empty_journal_has_the_same_columns(tmp_path: Path) -> None:
    AnswerJournal(tmp_path / "a.jsonl").close()
    table = as_frame(counted_answers(read_history(tmp_path / "a.jsonl")))
    assert table["verdict"].dtype == "int64"


def test_a_second_writer_is_refused_until_the_first_closes(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    code = (
        "from idc.reader_study.answer_journal import AnswerJournal\n"
        f"AnswerJournal({str(path)!r}).close()"
    )
    command = [sys.executable, "-c", code]
    with AnswerJournal(path) as journal:
        journal.add(ANN)
        with pytest.raises(ReviewError, match="another process"):
            AnswerJournal(path)
        other = subprocess.run(command, capture_output=True, text=True)
        assert "another process" in other.stderr
        assert len(read_history(path)) == 1  # reading needs no lock
    assert subprocess.run(command, capture_output=True).returncode == 0


def test_threads_do_not_tear_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    journal = AnswerJournal(path)

    def write(reader: str) -> None:
        for i in range(10):
            journal.add(replace(ANN, reader=reader, case=f"{i}.png", remark="x" * 5000))

    threads = [threading.Thread(target=write, args=(f"R{k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    closing = threading.Thread(target=journal.close)  # not the thread that opened it
    closing.start()
    closing.join()
    with AnswerJournal(path) as again:
        assert len(again.answers()) == 40


def test_a_cut_last_line_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    whole = json.dumps(asdict(ANN)).encode()
    path.write_bytes(whole + b"\n" + whole[:40])
    assert len(read_history(path)) == 1
    assert path.read_bytes().endswith(whole[:40])  # a reader changes nothing
    with AnswerJournal(path) as journal:
        assert "incomplete" in journal.notes[0]
        assert "a.jsonl.damaged-1" in journal.notes[0]
        journal.add(replace(ANN, case="b.png"))
    assert (tmp_path / "a.jsonl.damaged-1").read_bytes() == whole[:40]
    assert [a.case for a in read_history(path)] == [ANN.case, "b.png"]
    # Only the end of the line is missing: the answer is whole.
    path.write_bytes(whole)
    with AnswerJournal(path) as journal:
        assert journal.notes == []
        journal.add(replace(ANN, case="b.png"))
    assert [a.case for a in read_history(path)] == [ANN.case, "b.png"]


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
    for use in (AnswerJournal, read_history):
        with pytest.raises(ReviewError, match=r"a\.jsonl, line 2: not a valid answer"):
            use(path)
    assert path.read_bytes() == content
    path.write_bytes(whole + b"\n")
    AnswerJournal(path).close()  # the failed opening left no lock behind


@contextmanager
def no_more_than(size: int) -> Iterator[None]:
    """A limit on file size stands in for a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_says_so_and_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with AnswerJournal(path) as journal:
        journal.add(ANN)
        before = path.read_bytes()
        with (
            no_more_than(len(before) + 50),
            pytest.raises(ReviewError, match=r"cannot be saved.*Free some"),
        ):
            journal.add(ANN)
        assert path.read_bytes() == before
        assert journal.history() == [ANN]
        journal.add(replace(ANN, case="b.png"))  # there is room again
    assert len(read_history(path)) == 2


def test_a_place_that_cannot_be_used_and_a_closed_journal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReviewError, match="cannot be saved"):
        AnswerJournal(tmp_path / "file" / "a.jsonl")
    with pytest.raises(ReviewError, match="cannot be read"):
        read_history(tmp_path / "none.jsonl")
    journal = AnswerJournal(tmp_path / "a.jsonl")
    journal.path.rename(tmp_path / "b.jsonl")
    with pytest.raises(ReviewError, match="moved or removed"):
        journal.add(ANN)
    journal.close()
    journal.close()
    with pytest.raises(ReviewError, match="closed"):
        journal.add(ANN)


@pytest.mark.parametrize(
    "wrong",
    [
        {"reader": ""},
        {"reader": " Ann"},
        {"case": ""},
        {"verdict": -2},
        {"verdict": True},
        {"map_marks": "yes"},
        {"mode": "shut"},
        {"seconds": float("nan")},
        {"seconds": -1.0},
        {"time": "yesterday"},
        {"time": "2026-01-02T03:04:05"},
        {"time": "2026-01-02T03:04:05+02:00"},
        {"seen_model": 1},
        {"remark": None},
    ],
)
def test_what_is_no_answer_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ReviewError, match=next(iter(wrong))):
        replace(ANN, **wrong)  # type: ignore[arg-type]
