"""The answers by reader and case, in memory."""

import unicodedata
from typing import Protocol

from idc.errors import DataError
from idc.reader_study.answer import Answer, CountedAnswer, by_time, counted_answers
from idc.reader_study.case import Case

LONGEST_NAME = 40


class AnswerLog(Protocol):
    """Stores answers, such as `idc.reader_study.answer_journal.AnswerJournal`."""

    def add(self, answer: Answer) -> None:
        """Save an answer; it is safe when this returns.

        Raises:
            IdcError: It could not be saved.
        """

    def history(self) -> list[Answer]:
        """All answers."""


class Ledger:
    """The answers by reader and case, shared by all pages of a server."""

    def __init__(self, journal: AnswerLog) -> None:
        self._journal = journal
        self._answers: dict[tuple[str, str], list[Answer]] = {}
        self._names: dict[str, str] = {}
        for answer in by_time(journal.history()):
            self._index(answer)

    def add(self, answer: Answer) -> None:
        """Save an answer in the journal, then here."""
        self._journal.add(answer)
        self._index(answer)

    def counted(self, reader: str, case: Case) -> CountedAnswer | None:
        """The reader's answer to the case that counts, if there is one."""
        answers = self._answers.get((reader, case.path))
        return counted_answers(answers)[0] if answers else None

    def latest(self, reader: str, case: Case) -> Answer | None:
        """The reader's last answer to the case."""
        answers = self._answers.get((reader, case.path))
        return answers[-1] if answers else None

    def name(self, typed: str) -> str:
        """Normalise a reader's name to the spelling of their first answer: "ab " becomes "AB".

        Raises:
            DataError: It is empty, too long, or contains unprintable characters.
        """
        name = " ".join(unicodedata.normalize("NFC", typed).split())
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise DataError(f"Type your name or initials, 1 to {LONGEST_NAME} characters.")
        return self._names.get(name.casefold(), name)

    def _index(self, answer: Answer) -> None:
        self._answers.setdefault((answer.reader, answer.case), []).append(answer)
        self._names.setdefault(answer.reader.casefold(), answer.reader)
