"""One reader's way through the cases: what was said, what may be shown, what comes next."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from idc.errors import DataError
from idc.reader_study.answer import UNSURE, Answer, Marks, Mode, Standing
from idc.reader_study.case import Case
from idc.reader_study.ledger import Ledger

LONGEST_REMARK = 4000


@dataclass(frozen=True)
class Summary:
    """What a reader said of all cases: numbers of cases.

    Attributes:
        verdicts: Verdict (-1 for unsure) to cases, of the verdicts that count.
        decided: Cases with a verdict other than unsure.
        with_model: Of these, those where the model says the same.
        with_label: Of these, those where the data set says the same.
        marks: Method to mark to cases.
    """

    verdicts: dict[int, int]
    decided: int
    with_model: int
    with_label: int
    marks: dict[str, dict[str, int]]


class Reading:
    """A reader, the cases and the answers; it knows nothing of the page.

    Args:
        cases: In the order of review; at least one.
        ledger: The answers of all readers; only this reader's are looked at.
        reader: The name, as `Ledger.name` gives it.
        mode: Whether the verdict comes before the model's answer.
        clock: Seconds, growing.

    Attributes:
        position: The case that is shown; the number of cases stands for the end.
        pending: An answer to this case that could not be kept; what follows builds on it.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        ledger: Ledger,
        reader: str,
        mode: Mode,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cases, self.reader, self.mode = cases, reader, mode
        self._ledger, self._clock = ledger, clock
        self.pending: Answer | None = None
        missing = self.unanswered()
        self.position = missing[0] if missing else len(cases)
        self._since = clock()

    @property
    def at_end(self) -> bool:
        """Whether the page of thanks is due."""
        return self.position >= len(self.cases)

    @property
    def case(self) -> Case:
        """The case that is shown."""
        return self.cases[self.position]

    @property
    def said(self) -> Standing | None:
        """What counts of what the reader said of this case."""
        return self._ledger.of(self.reader, self.case)

    @property
    def latest(self) -> Answer | None:
        """The last answer to this case."""
        return self._ledger.latest(self.reader, self.case)

    @property
    def model_in_sight(self) -> bool:
        """Whether the model's answer, its map and the label may be sent to the browser."""
        return self.mode == "open" or self.latest is not None

    def go(self, position: int) -> None:
        """Show this case, or the end."""
        self.position = min(max(position, 0), len(self.cases))
        self.pending = None
        self._since = self._clock()

    def unanswered(self) -> list[int]:
        """Positions of the cases that the reader has not answered, in order."""
        return [i for i, c in enumerate(self.cases) if not self._ledger.latest(self.reader, c)]

    def judged(self, verdict: int) -> Answer | None:
        """The answer to be kept when the reader gives this verdict; None if all is kept."""
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
            # An answer given before, on another page too, has brought the model's into sight.
            seen_model=self.model_in_sight,
            seconds=round(max(self._clock() - self._since, 0.0), 1),
            time=_now(),
            mode=self.mode,
        )

    def marked(self, marks: Marks, method: str) -> Answer | None:
        """The answer to be kept when the reader judges a map; None if all is kept."""
        before = self._answered()
        if (before.map_marks, before.method) == (marks, method):
            return self.pending
        return replace(before, map_marks=marks, method=method, time=_now())

    def remarked(self, remark: str) -> Answer | None:
        """The answer to be kept when the reader has typed this remark; None if all is kept."""
        before = self._answered()
        remark = remark.strip()[:LONGEST_REMARK]
        if before.remark == remark:
            return self.pending
        return replace(before, remark=remark, time=_now())

    def keep(self, answer: Answer) -> None:
        """Keep an answer: it is safe when this returns, and pending when this raises.

        Raises:
            IdcError: It could not be kept.
        """
        self.pending = answer
        self._ledger.add(answer)
        self.pending = None

    def summary(self) -> Summary:
        """What the reader said, beside what the model and the data set say of those cases."""
        verdicts: dict[int, int] = {}
        marks: dict[str, dict[str, int]] = {}
        decided = with_model = with_label = 0
        for case in self.cases:
            said = self._ledger.of(self.reader, case)
            if said is None:
                continue
            answer = said.answer
            verdicts[answer.verdict] = verdicts.get(answer.verdict, 0) + 1
            if answer.map_marks:
                of_method = marks.setdefault(answer.method, {})
                of_method[answer.map_marks] = of_method.get(answer.map_marks, 0) + 1
            if answer.verdict != UNSURE:
                decided += 1
                with_model += answer.verdict == case.predicted
                with_label += answer.verdict == case.label
        return Summary(verdicts, decided, with_model, with_label, marks)

    def _answered(self) -> Answer:
        before = self.pending or self.latest
        if before is None:
            raise DataError("Give your verdict first.")
        return before


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
