"""A reader's answer to a case, and which of several answers to a case counts."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from itertools import takewhile
from typing import Literal

import pandas as pd

from idc.errors import IdcError

UNSURE = -1
MARKS = ("right", "partly", "wrong")
Mode = Literal["blinded", "open"]


class ReviewError(IdcError):
    """Answers, or a table derived from them, cannot be read, written or used."""


@dataclass(frozen=True)
class Answer:
    """One answer of a reader to a case; `idc.reader_study.answer_store` checks its values.

    Attributes:
        reader: The reader's name, stripped of blanks.
        case: The patch's path, as in the run's predictions.
        verdict: The class, 0..k-1, or -1 for unsure.
        map_marks: Whether the map marks the right cells: right, partly, wrong, or "" if not
            answered.
        method: The attribution method of the map shown, or "".
        remark: A free text, or "".
        seen_model: Whether the model's answer was visible when the verdict was given.
        seconds: From the display of the case to the verdict, 0 or more.
        time: Time of the answer, ISO 8601 in UTC.
        mode: ``blinded`` (the verdict comes before the model's answer) or ``open``.
        order: Order of the cases: ``random``, ``uncertainty`` or ``suspects``; "" if not recorded.
        select: The cases to choose from: ``all`` (the whole test split), ``errors``, ``patient`` or
            ``files``; "" if not recorded.
    """

    reader: str
    case: str
    verdict: int
    map_marks: str
    method: str
    remark: str
    seen_model: bool
    seconds: float
    time: str
    mode: Mode
    order: str = ""
    select: str = ""


@dataclass(frozen=True)
class CountedAnswer:
    """The answer of a reader to a case that counts in the analysis.

    Attributes:
        answer: The last answer given before the model's answer was visible or, if there is none,
            the latest, which then was not blinded; with the latest ``map_marks``, ``method`` and
            ``remark``, and with the ``order`` and ``select`` of the first answer.
        last: The latest verdict.
    """

    answer: Answer
    last: int

    @property
    def changed(self) -> bool:
        """Whether the reader changed the verdict after seeing the model's answer."""
        return self.last != self.answer.verdict


COLUMNS = (*(field.name for field in fields(Answer)), "last", "changed")


def by_time(history: Iterable[Answer]) -> list[Answer]:
    """Sort answers by time, stably."""
    return sorted(history, key=lambda answer: datetime.fromisoformat(answer.time))


def counted_answers(history: Iterable[Answer]) -> list[CountedAnswer]:
    """The answers that count, one per reader and case, in the order of their first answers.

    Once a reader has seen the model's answer to a case, no later verdict on it is blinded, whatever
    its ``seen_model``.
    """
    grouped: dict[tuple[str, str], list[Answer]] = {}
    for answer in by_time(history):
        grouped.setdefault((answer.reader, answer.case), []).append(answer)
    counted = []
    for answers in grouped.values():
        last = answers[-1]
        blind = list(takewhile(lambda answer: not answer.seen_model, answers))
        primary = replace(
            (blind or answers)[-1],
            map_marks=last.map_marks,
            method=last.method,
            remark=last.remark,
            seen_model=not blind,
            order=answers[0].order,
            select=answers[0].select,
        )
        counted.append(CountedAnswer(primary, last.verdict))
    return counted


def as_frame(counted: Iterable[CountedAnswer]) -> pd.DataFrame:
    """Answers that count as a table.

    Returns:
        One row per answer: the fields of `Answer`, ``last`` (int64, the latest verdict) and
        ``changed`` (bool).
    """
    rows = [{**asdict(c.answer), "last": c.last, "changed": c.changed} for c in counted]
    kinds = {"verdict": "int64", "last": "int64", "seconds": "float64"}
    switches = {"seen_model": "bool", "changed": "bool"}
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({**kinds, **switches})
