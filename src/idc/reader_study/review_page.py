"""The page: sign-in by name, then the review."""

from urllib.parse import quote

from nicegui import Client, ui

from idc.errors import DataError
from idc.reader_study.answer import Mode
from idc.reader_study.case import CaseBook
from idc.reader_study.gallery import Gallery
from idc.reader_study.ledger import LONGEST_NAME, Ledger
from idc.reader_study.parts import Text, button, dress, part
from idc.reader_study.reading import Reading
from idc.reader_study.visit import Visit
from idc.reader_study.words import mode_words

CONNECT_SECONDS = 60.0


def add_page(book: CaseBook, ledger: Ledger, mode: Mode, signed_in: bool) -> None:
    """Make the review the page at `/`.

    Args:
        book: The cases.
        ledger: The answers of all readers.
        mode: Whether the verdict comes before the model's answer.
        signed_in: Whether readers sign in with a password, and so may sign out.
    """
    gallery = Gallery(book)

    @ui.page("/")
    async def review(client: Client, reader: str = "") -> None:
        dress()
        try:
            name = ledger.name(reader)
        except DataError:
            _door(book, ledger, mode)
            return
        visit = Visit(book, gallery, Reading(book.cases, ledger, name, mode), client, signed_in)
        # Pictures may take a while: the page goes out first.
        await client.connected(CONNECT_SECONDS)
        await visit.do("show", visit.reading.position)


def _door(book: CaseBook, ledger: Ledger, mode: Mode) -> None:
    """Ask who reads."""

    def enter() -> None:
        try:
            name = ledger.name(str(typed.value or ""))
        except DataError as error:
            wrong.set_text(str(error))
            wrong.classes("shown")
        else:
            ui.navigate.to(f"/?reader={quote(name)}")

    with part("main", "door"), part("div", "card"):
        Text("h1", f"Review of {book.run_name}")
        Text("p", f"{len(book.cases)} cases. {mode_words(mode)}")
        with part("div", "entry"):
            typed = ui.input("Your name or initials")
            typed.props(f"outlined autofocus maxlength={LONGEST_NAME} autocomplete=username")
            typed.on("keydown.enter", enter)
            button("Begin", enter, "first")
        wrong = Text("div", "", "alarm", role="alert")
        Text("p", "The name is kept with your answers. With the same name you go on later.", "soft")
