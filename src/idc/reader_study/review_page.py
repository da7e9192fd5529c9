"""The review page: the reader's name, then the cases."""

from urllib.parse import quote

from nicegui import Client, ui

from idc.errors import DataError
from idc.reader_study.answer_store import LONGEST_NAME, AnswerStore
from idc.reader_study.case import CaseBook
from idc.reader_study.case_images import CaseImages
from idc.reader_study.listening import Settings
from idc.reader_study.page_session import PageSession
from idc.reader_study.page_text import mode_words
from idc.reader_study.parts import HtmlText, add_assets, button, part
from idc.reader_study.reading import Reading

CONNECT_SECONDS = 60.0


def add_page(book: CaseBook, answers: AnswerStore, settings: Settings) -> None:
    """Add the review page at `/`.

    Args:
        book: The cases.
        answers: The answers of all readers.
        settings: Settings of the server.
    """
    images = CaseImages(book)

    @ui.page("/")
    async def review(client: Client, reader: str = "") -> None:
        add_assets()
        try:
            name = answers.reader_name(reader)
        except DataError:
            _name_form(book, answers, settings.mode)
            return
        how = (settings.mode, settings.order, settings.select)
        reading = Reading(book.cases, answers, name, *how)
        session = PageSession(book, images, reading, client, bool(settings.password))
        # The page is sent first, as images may take a while.
        await client.connected(CONNECT_SECONDS)
        await session.dispatch("show", session.reading.position)


def _name_form(book: CaseBook, answers: AnswerStore, mode: str) -> None:
    """Ask for the reader's name."""

    def enter() -> None:
        try:
            name = answers.reader_name(str(typed.value or ""))
        except DataError as error:
            wrong.set_text(str(error))
            wrong.classes("shown")
        else:
            ui.navigate.to(f"/?reader={quote(name)}")

    with part("main", "door"), part("div", "card"):
        HtmlText("h1", f"Review of {book.run_name}")
        HtmlText("p", f"{len(book.cases)} cases. {mode_words(mode)}")
        with part("div", "entry"):
            typed = ui.input("Your name or initials")
            typed.props(f"outlined autofocus maxlength={LONGEST_NAME} autocomplete=username")
            typed.on("keydown.enter", enter)
            button("Begin", enter, "first")
        wrong = HtmlText("div", "", "alarm", role="alert")
        HtmlText(
            "p", "The name is kept with your answers. With the same name you go on later.", "soft"
        )
