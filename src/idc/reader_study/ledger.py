"""The answers by reader and case, as a server has them at hand."""

import unicodedata
from typing import Protocol

from idc.errors import DataError
from idc.reader_study.answer import Answer, Standing, by_time, standing
from idc.reader_study.case import Case

LONGEST_NAME = 40


class Keeper(Protocol):
    """What keeps answers: `idc.reader_study.answers.Journal`."""

    def add(self, answer: Answer) -> None:
        """Keep an answer; it is safe when this returns.

        Raises:
            IdcError: It could not be kept.
        """

    def history(self) -> list[Answer]:
        """All that was said."""


class Ledger:
    """The answers by reader and case, shared by all pages of a server."""

    def __init__(self, journal: Keeper) -> None:
        self._journal = journal
        self._said: dict[tuple[str, str], list[Answer]] = {}
        self._names: dict[str, str] = {}
        for answer in by_time(journal.history()):
            self._take(answer)

    def add(self, answer: Answer) -> None:
        """Keep an answer in the journal, then here."""
        self._journal.add(answer)
        self._take(answer)

    def of(self, reader: str, case: Case) -> Standing | None:
        """What this reader has said of the case, if anything."""
        said = self._said.get((reader, case.path))
        return standing(said)[0] if said else None

    def latest(self, reader: str, case: Case) -> Answer | None:
        """This reader's last answer to the case, as it was given."""
        said = self._said.get((reader, case.path))
        return said[-1] if said else None

    def name(self, typed: str) -> str:
        """A reader's name in one spelling, that of their first answer: "ab " is the reader "AB".

        Raises:
            DataError: It is empty, too long, or holds what is no letter, digit or mark.
        """
        name = " ".join(unicodedata.normalize("NFC", typed).split())
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise DataError(f"Type your name or initials, 1 to {LONGEST_NAME} characters.")
        return self._names.get(name.casefold(), name)

    def _take(self, answer: Answer) -> None:
        self._said.setdefault((answer.reader, answer.case), []).append(answer)
        self._names.setdefault(answer.reader.casefold(), answer.reader)
