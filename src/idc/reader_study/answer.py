"""An answer of a reader, and what of several answers to a case counts."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from itertools import takewhile
from typing import Any, Literal, get_args

import pandas as pd

from idc.errors import IdcError

UNSURE = -1
Marks = Literal["right", "partly", "wrong", ""]
Mode = Literal["blinded", "open"]
MARKS: tuple[Marks, ...] = get_args(Marks)
MODES: tuple[Mode, ...] = get_args(Mode)


class ReviewError(IdcError):
    """A journal of answers, or a table made from it, cannot be read, written or used."""


@dataclass(frozen=True)
class Answer:
    """What a reader said of a case, once.

    Attributes:
        reader: Who said it, without blanks around the name.
        case: The patch's path, as the run's predictions have it.
        verdict: The class, 0..k-1, or -1 for unsure.
        map_marks: Whether the map marks the right cells: right, partly, wrong, or "" for not said.
        method: The method of the map that was shown, or "".
        remark: In the reader's words, or "".
        seen_model: Whether the model's answer was in sight when the verdict was given.
        seconds: From the case's appearance to the verdict, 0 or more.
        time: When it was given, ISO 8601 in UTC.
        mode: ``blinded`` (the verdict comes before the model's answer) or ``open``.
        order: How the cases were ordered when this one came up: ``random``, ``uncertainty`` or
            ``suspects``; "" where that is not known.
        select: What they were chosen from: ``all`` (the whole test split), ``errors``, ``patient``
            or ``files``; "" where that is not known.
    """

    reader: str
    case: str
    verdict: int
    map_marks: Marks
    method: str
    remark: str
    seen_model: bool
    seconds: float
    time: str
    mode: Mode
    order: str = ""
    select: str = ""

    def __post_init__(self) -> None:
        if problem := _problem(self):
            raise ReviewError(f"answer of {self.reader!r} to {self.case!r}: {problem}.")


@dataclass(frozen=True)
class Standing:
    """What counts of all that a reader said of a case.

    Attributes:
        answer: The verdict that was last given before the model's answer was first in sight, or,
            if there is none, the latest, which then was not blind; with the latest ``map_marks``,
            ``method`` and ``remark``, and with the ``order`` and ``select`` that first brought the
            case to the reader.
        last: The latest verdict.
    """

    answer: Answer
    last: int

    @property
    def changed(self) -> bool:
        """Whether the reader changed the verdict that counts once the model's was in sight."""
        return self.last != self.answer.verdict


def by_time(history: Iterable[Answer]) -> list[Answer]:
    """Answers by when they were given; those of one moment stay in the order that they have."""
    return sorted(history, key=lambda answer: datetime.fromisoformat(answer.time))


COLUMNS = (*(field.name for field in fields(Answer)), "last", "changed")


def standing(history: Iterable[Answer]) -> list[Standing]:
    """What counts of each reader and case.

    Once the model's answer was in sight, no later verdict of that reader on that case is blind,
    whatever its line says.

    Args:
        history: Answers, in any order: journals of several machines may have been joined.

    Returns:
        One for each reader and case, in the order of their first answers.
    """
    said: dict[tuple[str, str], list[Answer]] = {}
    for answer in by_time(history):
        said.setdefault((answer.reader, answer.case), []).append(answer)
    found = []
    for answers in said.values():
        last = answers[-1]
        blind = list(takewhile(lambda answer: not answer.seen_model, answers))
        counts = (blind or answers)[-1]
        kept = replace(
            counts,
            map_marks=last.map_marks,
            method=last.method,
            remark=last.remark,
            seen_model=not blind,
            order=answers[0].order,
            select=answers[0].select,
        )
        found.append(Standing(kept, last.verdict))
    return found


def as_frame(standings: Iterable[Standing]) -> pd.DataFrame:
    """Standing answers as a table.

    Returns:
        A row each: the fields of `Answer`, ``last`` (int64, the latest verdict) and ``changed``
        (bool).
    """
    rows = [{**asdict(s.answer), "last": s.last, "changed": s.changed} for s in standings]
    kinds = {"verdict": "int64", "last": "int64", "seconds": "float64"}
    switches = {"seen_model": "bool", "changed": "bool"}
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({**kinds, **switches})


def _problem(answer: Answer) -> str:
    """What is wrong with an answer, or ""."""
    values = asdict(answer)
    texts = ("reader", "case", "method", "remark", "time", "order", "select")
    if wrong := [name for name in texts if not isinstance(values[name], str)]:
        return f"{wrong[0]} is not a text"
    if not answer.case or not answer.reader or answer.reader != answer.reader.strip():
        return "reader and case must be given, the reader without blanks around the name"
    if not _is_whole(answer.verdict) or answer.verdict < UNSURE:
        return f"verdict={answer.verdict!r} is neither a class (0, 1, ...) nor {UNSURE}, unsure"
    if answer.map_marks not in MARKS:
        return f"map_marks={answer.map_marks!r} is none of {', '.join(map(repr, MARKS))}"
    if answer.mode not in MODES:
        return f"mode={answer.mode!r} is none of {', '.join(MODES)}"
    if not isinstance(values["seen_model"], bool):
        return f"seen_model={values['seen_model']!r} is neither true nor false"
    if not _is_seconds(answer.seconds):
        return f"seconds={answer.seconds!r} is no number of 0 or more"
    try:
        offset = datetime.fromisoformat(answer.time).utcoffset()
    except ValueError:
        return f"time={answer.time!r} is not in ISO 8601"
    return "" if offset is not None and not offset else f"time={answer.time!r} is not in UTC"


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_seconds(value: Any) -> bool:
    fine = isinstance(value, int | float) and not isinstance(value, bool)
    return fine and math.isfinite(value) and value >= 0
