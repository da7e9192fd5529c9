"""The review page: the reader's name, then the cases, whose actions are performed one by one."""

import asyncio
import logging
from pathlib import Path
from urllib.parse import quote

from nicegui import Client, run, ui
from nicegui.events import GenericEventArguments

from idc.errors import DataError, IdcError, first_line
from idc.reader_study.answer import Answer
from idc.reader_study.answer_store import LONGEST_NAME, AnswerStore
from idc.reader_study.case import Case, CaseBook
from idc.reader_study.case_view import CaseView, CaseViews, steps
from idc.reader_study.closing import closing_page, keys_dialog, list_dialog
from idc.reader_study.keys import key_for, review_keys
from idc.reader_study.page_parts import Desk, MapSettings, heading
from idc.reader_study.page_text import mode_words
from idc.reader_study.pictures import data_uri
from idc.reader_study.reading import Reading
from idc.reader_study.serving import Settings

FOLDER = Path(__file__).parent
CONNECT_SECONDS = 60.0
PAUSE = 0.7  # seconds without typing after which a remark is saved
_log = logging.getLogger(__name__)


def add_page(book: CaseBook, answers: AnswerStore, settings: Settings) -> None:
    """Add the review page at `/`."""

    @ui.page("/")
    async def review(client: Client, reader: str = "") -> None:
        ui.add_css((FOLDER / "review.css").read_text(encoding="utf-8"))
        script = (FOLDER / "review.js").read_text(encoding="utf-8")
        ui.add_body_html(f"<script>{script}</script>")
        try:
            name = answers.reader_name(reader)
        except DataError:
            _name_form(book, answers, settings.mode)
            return
        how = (settings.mode, settings.order, settings.select)
        reading = Reading(book.cases, answers, name, *how)
        page = ReaderPage(book, reading, client, bool(settings.password))
        # The page is sent first, as images may take a while.
        await client.connected(CONNECT_SECONDS)
        await page.act("show", reading.position)


def _name_form(book: CaseBook, answers: AnswerStore, mode: str) -> None:
    """Ask for the reader's name."""

    def enter() -> None:
        try:
            name = answers.reader_name(str(typed.value or ""))
        except DataError as error:
            typed.props["error-message"] = str(error)
            typed.props("error")
        else:
            ui.navigate.to(f"/?reader={quote(name)}")

    with ui.element("main").classes("review"), ui.card().classes("end"):
        heading(f"Review of {book.run_name}")
        ui.label(f"{len(book.cases)} cases. {mode_words(mode)}")
        typed = ui.input("Your name or initials").on("keydown.enter", enter)
        typed.props(f"outlined autofocus maxlength={LONGEST_NAME} autocomplete=username")
        ui.button("Begin", on_click=enter).props("no-caps")
        ui.label("The name is kept with your answers. With the same name you go on later.").classes(
            "soft"
        )


class ReaderPage:
    """A reader's page. Actions are performed one after the other."""

    def __init__(self, book: CaseBook, reading: Reading, client: Client, signed_in: bool) -> None:
        settings = MapSettings(book.methods[0] if book.methods else "")
        keys = review_keys(book.class_names)
        self._desk = Desk(book, reading, keys, self.act, settings)
        self._reading, self._client = reading, client
        self._lock = asyncio.Lock()
        self._typing: asyncio.Task[None] | None = None
        self._view: CaseView | None = None
        with ui.element("main").classes("review") as self._root:
            self._root.props["data-keys"] = " ".join(name for key in keys for name in key.keys)
            remark = key_for(keys, ("remark", ""))
            self._root.props["data-remark"] = remark.keys[0] if remark else ""
            self._header(book.run_name, signed_in)
            self._place = ui.element("div")
            with self._place:
                ui.label("Loading the first case…").classes("body")
        ui.on("review_key", self._on_key)
        client.on_disconnect(self._leave)

    async def act(self, action: str, value: int | str = "") -> None:
        """Perform the action of a button, a key or the page."""
        async with self._lock:
            if not self._client.is_deleted:
                with self._root:
                    await self._perform(action, value)

    async def _perform(self, action: str, value: int | str) -> None:
        reading, view, settings = self._reading, self._view, self._desk.settings
        match action:
            case "show":
                await self._show(int(value))
            case "go":
                await self._go(reading.position + int(value))
            case "to":
                await self._go(int(value))
            case "list":
                list_dialog(self._desk)
            case "help":
                keys_dialog(self._desk)
            case _ if view is None:
                pass
            case "verdict":
                if await self._save_remark(view):
                    await self._save(view, reading.answer_verdict(int(value)))
            case "marks":
                await self._mark(view, str(value))
            case "map" | "strength" if view.map is None:
                view.show_status("There is no map to show yet.")
            case "map":
                settings.shown = not settings.shown
            case "strength":
                settings.strength = min(max(settings.strength + int(value), 0), 100)
            case "remark":  # else the browser has moved the cursor
                view.show_status("Give your verdict first.")
            case "type":
                await self._save_remark(view)
            case "retry":
                await self._save(view, reading.pending)
            case "drop":
                reading.pending = None
                view.show_error("")
                view.reset()
                view.refresh()

    async def _on_key(self, event: GenericEventArguments) -> None:
        """Handle a key if it was pressed for the case shown."""
        name, case = str(event.args.get("key")), str(event.args.get("case"))
        key = next((key for key in self._desk.keys if name in key.keys), None)
        if key is not None and (key.action[0] == "go" or case == str(self._reading.position)):
            await self.act(*key.action)

    def _header(self, run_name: str, signed_in: bool) -> None:
        with ui.element("header").classes("bar"):
            ui.label(run_name).classes("soft")
            self._count = ui.label()
            ui.space()
            ui.label(self._reading.reader)
            self._desk.button("Cases", ("list", ""))
            self._desk.button("Keys", ("help", ""))
            if signed_in:
                with ui.element("form").props("method=post action=/logout"):
                    ui.button("Sign out").props("outline no-caps type=submit")

    def _begin(self, position: int) -> None:
        """Clear the page for a case, and start its time."""
        self._reading.go(position)
        self._place.clear()
        self._root.props(f"data-case={self._reading.position}")
        self._show_count()

    def _show_count(self) -> None:
        total = len(self._reading.cases)
        self._count.set_text(f"{total - len(self._reading.unanswered())} of {total} answered")

    async def _show(self, position: int) -> None:
        """Show a case, or the closing page."""
        cases, self._view = self._reading.cases, None
        if position >= len(cases):
            self._begin(position)
            with self._place:
                closing_page(self._desk)
            return
        views = await run.io_bound(_views, self._desk.book, cases[position])
        self._begin(position)
        with self._place:
            if views is None:
                with ui.card().classes("end"):
                    heading(f"Case {position + 1} of {len(cases)}")
                    words = "This case's image cannot be read; see the server's log."
                    ui.label(words).classes("alarm shown").props("role=alert")
                    steps(self._desk)
            else:
                self._view = CaseView(self._desk, views, self._typed)
                self._view.refresh()

    async def _go(self, position: int) -> None:
        """Go to another case, unless an answer is not saved."""
        position = min(max(position, 0), len(self._reading.cases))
        if position == self._reading.position:
            return
        if self._view is None or await self._save_remark(self._view):
            await self._show(position)
            self._client.run_javascript("document.querySelector('.review .heading1')?.focus()")

    async def _mark(self, view: CaseView, marks: str) -> None:
        if self._reading.latest is None:
            view.show_status("Give your verdict first.")
        elif view.map is None or not view.map.visible:
            view.show_status("Turn the map on first.")
        elif await self._save_remark(view):
            method = self._desk.settings.method
            await self._save(view, self._reading.answer_marks(marks, method))

    def _typed(self) -> None:
        """Save the remark once the reader pauses."""
        if self._view is not None:
            self._view.show_status("Typing…")
        if self._typing is not None:
            self._typing.cancel()
        self._typing = asyncio.create_task(self._pause())

    async def _pause(self) -> None:
        await asyncio.sleep(PAUSE)
        self._typing = None  # saving is not cancelled
        await self.act("type")

    async def _leave(self) -> None:
        """Save the remark when the tab is closed."""
        await self.act("type")

    async def _save_remark(self, view: CaseView) -> bool:
        """Save the remark; returns whether everything is saved."""
        reading = self._reading
        if reading.latest is None and reading.pending is None:
            return True
        typed = view.typed
        answer = reading.pending if typed is None else reading.answer_remark(typed)
        return await self._save(view, answer)

    async def _save(self, view: CaseView, answer: Answer | None) -> bool:
        """Save an answer and show the status; an answer that cannot be saved stays on the page."""
        if answer is None:
            view.show_status("Saved ✓" if self._reading.latest else "")
            return True
        view.show_status("Saving…")
        problem = ""
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._reading.save, answer)
        except Exception as error:  # shown to the reader, whatever it is
            problem = first_line(error)
            if not isinstance(error, IdcError):
                _log.exception("review: an answer of %s is not saved", answer.reader)
        view.show_error(problem)
        if not problem:
            view.show_status("Saved ✓")
            self._show_count()
        view.refresh()
        return not problem


def _views(book: CaseBook, case: Case) -> CaseViews | None:
    """The images of a case; None if the patch cannot be read."""
    try:
        patch = book.patch(case)
    except Exception:  # whatever a book raises; its message may contain the path with the label
        _log.exception("review: no image of %s", case.path)
        return None
    try:
        around = book.surroundings(case)
    except Exception:  # the patch can be reviewed without
        _log.exception("review: no surroundings of %s", case.path)
        return CaseViews(patch, None, "The surroundings cannot be shown; see the server's log.")
    return CaseViews(patch, None if around is None else data_uri(around, "JPEG"))
