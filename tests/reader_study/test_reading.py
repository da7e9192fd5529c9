"""A reader's way through the cases, without a browser."""

from pathlib import Path

import pytest
from review_server import made_up_cases

from idc.errors import DataError, IdcError
from idc.reader_study.answer import Answer, Mode
from idc.reader_study.answer_store import AnswerStore
from idc.reader_study.reading import Reading


class Notebook(AnswerStore):
    """A store that can be full."""

    full = False

    def add(self, answer: Answer) -> None:
        if self.full:
            raise IdcError("no space")
        super().add(answer)

    @property
    def given(self) -> list[Answer]:
        return self.history()


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    return Notebook(tmp_path / "answers.sqlite")


def begin(notebook: Notebook, reader: str = "AB", mode: Mode = "blinded") -> Reading:
    return Reading(made_up_cases(), notebook, reader, mode)


def keep(reading: Reading, answer: Answer | None) -> None:
    assert answer is not None
    reading.save(answer)


def test_a_verdict_in_the_blind_stays_as_given(notebook: Notebook) -> None:
    reading = begin(notebook)
    assert not reading.model_in_sight
    keep(reading, reading.answer_verdict(1))
    assert reading.model_in_sight and not notebook.given[-1].seen_model
    keep(reading, reading.answer_marks("partly", "gradcam"))
    keep(reading, reading.answer_verdict(0))
    assert notebook.given[-1].seen_model and notebook.given[-1].map_marks == "partly"
    counted = reading.counted
    assert counted is not None and (counted.answer.verdict, counted.last, counted.changed) == (
        1,
        0,
        True,
    )


def test_an_answer_on_another_page_has_brought_the_model_into_sight(notebook: Notebook) -> None:
    first, second = (begin(notebook) for _ in range(2))
    keep(first, first.answer_verdict(1))
    answer = second.answer_verdict(0)
    assert answer is not None and answer.seen_model


def test_a_changed_answer_keeps_the_order_in_which_its_case_came(notebook: Notebook) -> None:
    first = Reading(made_up_cases(), notebook, "AB", "blinded", "suspects", "all")
    keep(first, first.answer_verdict(1))
    later = Reading(made_up_cases(), notebook, "AB", "blinded", "random", "errors")
    later.go(0)
    keep(later, later.answer_remark("hm"))
    keep(later, later.answer_verdict(0))
    assert {(a.order, a.select) for a in notebook.given} == {("suspects", "all")}
    later.go(1)
    keep(later, later.answer_verdict(0))
    assert (notebook.given[-1].order, notebook.given[-1].select) == ("random", "errors")


def test_the_model_is_in_sight_from_the_start_when_open(notebook: Notebook) -> None:
    reading = begin(notebook, mode="open")
    assert reading.model_in_sight
    keep(reading, reading.answer_verdict(-1))
    assert notebook.given[-1].seen_model and notebook.given[-1].mode == "open"


def test_nothing_new_is_not_written_again(notebook: Notebook) -> None:
    reading = begin(notebook)
    keep(reading, reading.answer_verdict(1))
    keep(reading, reading.answer_remark(" tubules "))
    assert reading.answer_verdict(1) is None and reading.answer_remark("tubules") is None
    assert reading.answer_marks("", "") is None
    assert notebook.given[-1].remark == "tubules"


def test_a_reading_goes_on_at_the_first_case_without_an_answer(notebook: Notebook) -> None:
    reading = begin(notebook)
    for position in (0, 1, 3):
        reading.go(position)
        keep(reading, reading.answer_verdict(0))
    assert begin(notebook).position == 2
    assert begin(notebook).unanswered() == [2, 4]
    assert begin(notebook, "CD").position == 0
    for position in (2, 4):
        reading.go(position)
        keep(reading, reading.answer_verdict(0))
    assert begin(notebook).position == 5


def test_what_could_not_be_kept_waits_and_nothing_is_lost_of_it(notebook: Notebook) -> None:
    reading = begin(notebook)
    notebook.full = True
    for verdict in (1, 0):
        with pytest.raises(IdcError, match="no space"):
            keep(reading, reading.answer_verdict(verdict))
    assert not notebook.given and not reading.model_in_sight and reading.unanswered()[0] == 0
    notebook.full = False
    keep(reading, reading.answer_verdict(0))
    assert [a.verdict for a in notebook.given] == [0] and reading.pending is None
    notebook.full = True
    with pytest.raises(IdcError):
        keep(reading, reading.answer_verdict(1))
    with pytest.raises(IdcError):
        keep(reading, reading.answer_remark("looks benign"))
    notebook.full = False
    keep(reading, reading.answer_remark("looks benign"))
    assert (notebook.given[-1].verdict, notebook.given[-1].remark) == (1, "looks benign")
    assert notebook.given[-1].seen_model


def test_seconds_count_from_the_appearance_of_the_case(notebook: Notebook) -> None:
    now = [100.0]
    reading = Reading(made_up_cases(), notebook, "AB", "blinded", clock=lambda: now[0])
    now[0] = 104.25
    keep(reading, reading.answer_verdict(1))
    now[0] = 110.0
    keep(reading, reading.answer_remark("later"))
    assert [a.seconds for a in notebook.given] == [4.2, 4.2]
    reading.go(1)
    now[0] = 111.5
    keep(reading, reading.answer_verdict(1))
    assert notebook.given[-1].seconds == 1.5


def test_marks_and_remarks_need_a_verdict(notebook: Notebook) -> None:
    reading = begin(notebook, mode="open")
    with pytest.raises(DataError, match="verdict first"):
        reading.answer_marks("right", "gradcam")
    with pytest.raises(DataError, match="verdict first"):
        reading.answer_remark("a")
