"""A reader's session on the page: actions, performed one after the other, and saving answers."""

import asyncio
import logging

from nicegui import Client, ui
from nicegui.events import GenericEventArguments

from idc.errors import IdcError, first_line
from idc.reader_study.answer import Answer
from idc.reader_study.bar import Bar
from idc.reader_study.case import CaseBook
from idc.reader_study.case_images import CaseImages
from idc.reader_study.case_view import CaseView, steps
from idc.reader_study.closing import closing_page, keys_dialog, list_dialog
from idc.reader_study.keys import key_for, review_keys
from idc.reader_study.map_view import MapSettings
from idc.reader_study.parts import HtmlText, change, part
from idc.reader_study.reading import Reading

PAUSE = 0.7  # seconds without typing after which a remark is saved
_log = logging.getLogger(__name__)


class PageSession:
    """A reader's session on the page. Actions are performed one after the other.

    Args:
        book: The cases.
        images: Their images.
        reading: The reader's progress.
        client: The browser's tab.
        signed_in: Whether the reader may sign out.
    """

    def __init__(
        self, book: CaseBook, images: CaseImages, reading: Reading, client: Client, signed_in: bool
    ) -> None:
        self.reading = reading
        self._book, self._images, self._client = book, images, client
        self._lock = asyncio.Lock()
        self._typing: asyncio.Task[None] | None = None
        self._view: CaseView | None = None
        self._settings = MapSettings(book.methods[0]) if book.methods else None
        self._keys = review_keys(book.class_names)
        key_names = " ".join(name for key in self._keys for name in key.keys)
        remark = key_for(self._keys, ("remark", ""))
        with part("main", "review", data_keys=key_names) as self._root:
            change(self._root, data_remark=remark.keys[0] if remark else None)
            self._bar = Bar(book.run_name, self.reading, self.dispatch, signed_in)
            with part("div") as self._place:
                HtmlText("p", "Loading the first case…", "body")
        ui.on("review_key", self._on_key)
        client.on_disconnect(self._leave)

    async def dispatch(self, action: str, value: int | str = "") -> None:
        """Perform the action of a button, a key or the page."""
        async with self._lock:
            if not self._client.is_deleted:
                with self._root:
                    await self._dispatch(action, value)

    async def _dispatch(self, action: str, value: int | str) -> None:
        view = self._view
        match action:
            case "show":
                await self._show(int(value))
            case "go":
                await self._go(self.reading.position + int(value))
            case "to":
                await self._go(int(value))
            case "list":
                list_dialog(self.reading, self.dispatch)
            case "help":
                keys_dialog(self._keys)
            case _ if view is not None:
                await self._at_view(view, action, value)

    async def _at_view(self, view: CaseView, action: str, value: int | str) -> None:
        reading = self.reading
        match action:
            case "verdict":
                if await self._save_remark():
                    await self._save(reading.answer_verdict(int(value)))
            case "marks":
                await self._mark(view, str(value))
            case "map":
                await view.show_map()
            case "method":
                await view.show_map(shown=True, method=str(value))
            case "opacity":
                view.change_opacity(int(value))
            case "remark":
                view.show_status(
                    "Give your verdict first."
                )  # else the browser has moved the cursor
            case "type":
                await self._save_remark()
            case "retry":
                await self._save(reading.pending)
            case "drop":
                reading.pending = None
                view.show_error("")
                if view.follow_up is not None:
                    view.follow_up.reset()
                await view.refresh()

    async def _on_key(self, event: GenericEventArguments) -> None:
        """Handle a key if it was pressed for the case shown."""
        name, stamp = str(event.args.get("key")), str(event.args.get("stamp"))
        key = next((key for key in self._keys if name in key.keys), None)
        if key is None:
            return
        if key.action[0] != "go" and stamp != self._stamp():
            return
        await self.dispatch(*key.action)

    def _stamp(self) -> str:
        return str(self.reading.position)

    async def _show(self, position: int) -> None:
        """Show a case, or the closing page."""
        reading = self.reading
        cases, self._view = reading.cases, None
        if position >= len(cases):
            self._begin(position)
            with self._place:
                closing_page(self._book, reading, self.dispatch)
            return
        try:
            views = await self._images.views(cases[position])
        except Exception:  # whatever a book raises; its message may contain the path with the label
            _log.exception("review: no images of %s", cases[position].path)
            views = None
        self._begin(position)
        with self._place:
            if views is None:
                with part("div", "card end"):
                    HtmlText("h1", f"Case {position + 1} of {len(cases)}", tabindex="-1")
                    words = "This case's image cannot be read; see the server's log."
                    HtmlText("div", words, "alarm shown", role="alert")
                    steps(self._keys, self.dispatch, first=position == 0)
            else:
                self._view = CaseView(
                    self._book,
                    self._images,
                    reading,
                    self._keys,
                    self.dispatch,
                    self._typed,
                    views,
                    self._settings,
                )
                await self._view.refresh()
        if position + 1 < len(cases):
            self._images.prepare(cases[position + 1])

    def _begin(self, position: int) -> None:
        """Clear the page for a case, and start its time."""
        self.reading.go(position)
        self._place.clear()
        change(self._root, data_case=self._stamp())
        self._bar.refresh()

    async def _go(self, position: int) -> None:
        """Go to another case, unless an answer is not saved."""
        position = min(max(position, 0), len(self.reading.cases))
        if position == self.reading.position:
            return
        if self._view is None or await self._save_remark():
            await self._show(position)
            self._client.run_javascript("document.querySelector('.review h1')?.focus()")

    async def _mark(self, view: CaseView, marks: str) -> None:
        reading, settings = self.reading, self._settings
        if reading.latest is None:
            view.show_status("Give your verdict first.")
        elif settings is None or not view.map_visible:
            view.show_status("Turn the map on first.")
        elif await self._save_remark():
            await self._save(reading.answer_marks(marks, settings.method))

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
        await self.dispatch("type")

    async def _leave(self) -> None:
        """Save the remark when the tab is closed."""
        await self.dispatch("type")

    async def _save_remark(self) -> bool:
        """Save the remark; returns whether everything is saved."""
        reading, view = self.reading, self._view
        if view is None or (reading.latest is None and reading.pending is None):
            return True
        typed = view.follow_up.typed if view.follow_up is not None else None
        if typed is None:
            return await self._save(reading.pending)
        return await self._save(reading.answer_remark(typed))

    async def _save(self, answer: Answer | None) -> bool:
        """Save an answer and show the status; an answer that cannot be saved stays on the page."""
        view = self._view
        if view is None:
            return True
        if answer is None:
            view.show_status("Saved ✓" if self.reading.latest else "")
            return True
        view.show_status("Saving…")
        problem = ""
        try:
            await asyncio.get_running_loop().run_in_executor(None, self.reading.save, answer)
        except Exception as error:  # shown to the reader, whatever it is
            problem = first_line(error)
            if not isinstance(error, IdcError):
                _log.exception("review: an answer of %s is not saved", answer.reader)
        view.show_error(problem)
        if not problem:
            view.show_status("Saved ✓")
            self._bar.refresh()
        await view.refresh()
        return not problem
