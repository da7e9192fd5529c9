"""Which answers count: the last one in the blind, with the latest words."""

from dataclasses import asdict, replace
from pathlib import Path

from answer_cases import ANN

from idc.reader_study.answer import COLUMNS, as_frame, counted_answers
from idc.reader_study.answer_store import AnswerStore


def test_the_blinded_verdict_counts_and_the_last_words(tmp_path: Path) -> None:
    first = replace(ANN, verdict=0)
    second = replace(ANN, verdict=1, seconds=9.0)  # changed, still blinded
    seen = replace(ANN, verdict=0, seen_model=True, map_marks="wrong", remark="glass")
    again = replace(seen, seen_model=False, verdict=-1, remark="hm")  # no longer blinded
    (one,) = counted_answers([first, second, seen, again])
    assert (one.answer.verdict, one.answer.seconds, one.answer.seen_model) == (1, 9.0, False)
    assert (one.answer.map_marks, one.answer.remark) == ("wrong", "hm")
    assert (one.last, one.changed) == (-1, True)
    (one,) = counted_answers([seen, again])  # never blinded: the latest, whatever it says
    assert (one.answer.verdict, one.answer.seen_model, one.changed) == (-1, True, False)
    assert not counted_answers([second, replace(seen, verdict=1)])[0].changed

    answers = AnswerStore(tmp_path / "a.sqlite")
    assert as_frame(answers.answers())["verdict"].dtype == "int64"
    for answer in (first, second, seen, replace(first, reader="Bo"), again):
        answers.add(answer)
    assert [c.answer.reader for c in answers.answers()] == ["Ann", "Bo"]
    table = as_frame(answers.answers()).set_index("reader")
    assert table.loc["Ann", ["verdict", "last", "changed"]].tolist() == [1, -1, True]
    assert table.loc["Bo", ["verdict", "last", "changed"]].tolist() == [0, 0, False]
    assert set(asdict(ANN)) - {"reader"} <= set(table)


def test_answers_of_other_machines_count_at_the_time_when_they_were_given() -> None:
    blind = replace(ANN, verdict=0, time="2026-01-02T10:00:00.200+00:00", order="suspects")
    seen = replace(blind, verdict=1, seen_model=True, time="2026-01-02T10:00:05+00:00")
    first = replace(blind, verdict=-1, time="2026-01-02T10:00:00.100Z", order="random")
    (one,) = counted_answers([seen, blind, first])
    assert (one.answer.verdict, one.answer.seen_model, one.last) == (0, False, 1)
    assert one.answer.order == "random"  # that is how the case came to the reader
    late = replace(ANN, time="2026-01-02T09:00:00+00:00", verdict=1, seen_model=True)
    (one,) = counted_answers([seen, blind, late])
    assert (one.answer.verdict, one.answer.seen_model, one.last) == (1, True, 1)


def test_an_empty_history_is_a_table_with_its_types() -> None:
    table = as_frame([])
    assert list(table) == list(COLUMNS)
    assert (table.dtypes["verdict"], table.dtypes["changed"]) == ("int64", "bool")
