"""One reader's progress through the cases: answers, what may be shown, what comes next."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from idc.errors import DataError
from idc.reader_study.answer import Answer, CountedAnswer, Mode, by_time, counted_answers
from idc.reader_study.answer_store import AnswerStore
from idc.reader_study.case import Case

LONGEST_REMARK = 4000


class Reading:
    """State of one reader's review, independent of the page; `clock` is monotonic, in seconds.

    Attributes:
        position: Position of the case shown; the number of cases at the end.
        pending: An answer to this case that could not be saved; later ones build on it.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        answers: AnswerStore,
        reader: str,
        mode: Mode,
        order: str = "",
        select: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cases, self.reader, self.mode = cases, reader, mode
        self._order, self._select = order, select
        self._answers, self._clock = answers, clock
        self.pending: Answer | None = None
        missing = self.unanswered()
        self.position = missing[0] if missing else len(cases)
        self._since = clock()

    @property
    def case(self) -> Case:
        """The case that is shown."""
        return self.cases[self.position]

    @property
    def counted(self) -> CountedAnswer | None:
        """The reader's answer to this case that counts."""
        history = self._answers.history(self.reader, self.case.path)
        return counted_answers(history)[0] if history else None

    @property
    def latest(self) -> Answer | None:
        """The last answer to this case."""
        counted = self._answers.history(self.reader, self.case.path)
        return by_time(counted)[-1] if counted else None

    @property
    def model_in_sight(self) -> bool:
        """Whether the model's answer, its map and the label may be sent to the browser."""
        return self.mode == "open" or self.latest is not None

    def go(self, position: int) -> None:
        """Go to a case, or to the end."""
        self.position = min(max(position, 0), len(self.cases))
        self.pending = None
        self._since = self._clock()

    def unanswered(self) -> list[int]:
        """Positions of the cases that the reader has not answered, in order."""
        answered = self._answers.answered(self.reader)
        return [i for i, case in enumerate(self.cases) if case.path not in answered]

    def answer_verdict(self, verdict: int) -> Answer | None:
        """The answer to save for this verdict; None if it is saved already."""
        before = self.pending or self.latest
        if before is not None and before.verdict == verdict:
            return self.pending
        return Answer(
            reader=self.reader,
            case=self.case.path,
            verdict=verdict,
            map_marks=before.map_marks if before else "",
            method=before.method if before else "",
            remark=before.remark if before else "",
            # After an earlier answer, on any page, the reader has seen the model's.
            seen_model=self.model_in_sight,
            seconds=round(max(self._clock() - self._since, 0.0), 1),
            time=_now(),
            mode=self.mode,
            order=before.order if before else self._order,
            select=before.select if before else self._select,
        )

    def answer_marks(self, marks: str, method: str) -> Answer | None:
        """The answer to save when the reader judges a map; None if it is saved already."""
        before = self._answered()
        if (before.map_marks, before.method) == (marks, method):
            return self.pending
        return replace(before, map_marks=marks, method=method, time=_now())

    def answer_remark(self, remark: str) -> Answer | None:
        """The answer to save for this remark; None if it is saved already."""
        before = self._answered()
        remark = remark.strip()[:LONGEST_REMARK]
        if before.remark == remark:
            return self.pending
        return replace(before, remark=remark, time=_now())

    def save(self, answer: Answer) -> None:
        """Save an answer: it is safe when this returns, and pending when this raises.

        Raises:
            IdcError: It could not be saved.
        """
        self.pending = answer
        self._answers.add(answer)
        self.pending = None

    def answered(self) -> list[tuple[Answer, Case]]:
        """The reader's answers that count, with their cases."""
        cases = {case.path: case for case in self.cases}
        counted = counted_answers(self._answers.history(self.reader))
        return [(one.answer, cases[one.answer.case]) for one in counted if one.answer.case in cases]

    def _answered(self) -> Answer:
        before = self.pending or self.latest
        if before is None:
            raise DataError("Give your verdict first.")
        return before


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
