"""A reader at the page: what is done, one thing after the other, and what is kept of it."""

import asyncio
import logging

from nicegui import Client, ui
from nicegui.events import GenericEventArguments

from idc.errors import IdcError, first_line
from idc.reader_study.answer import MARKS, Answer
from idc.reader_study.bar import Bar
from idc.reader_study.case import CaseBook
from idc.reader_study.closing import closing_page, keys_dialog, list_dialog
from idc.reader_study.desk import Desk, steps
from idc.reader_study.gallery import Gallery
from idc.reader_study.keys import key_for, review_keys
from idc.reader_study.map_view import MapSettings
from idc.reader_study.parts import Text, change, part
from idc.reader_study.reading import Reading

PAUSE = 0.7  # seconds without typing after which a remark is kept
_log = logging.getLogger(__name__)


class Visit:
    """A reader at the page. What the reader does is done one after the other.

    Args:
        book: The cases.
        gallery: Their pictures.
        reading: The reader's way through them.
        client: The browser's tab.
        signed_in: Whether the reader may sign out.
    """

    def __init__(
        self, book: CaseBook, gallery: Gallery, reading: Reading, client: Client, signed_in: bool
    ) -> None:
        self.reading = reading
        self._book, self._gallery, self._client = book, gallery, client
        self._lock = asyncio.Lock()
        self._typing: asyncio.Task[None] | None = None
        self._desk: Desk | None = None
        self._settings = MapSettings(book.methods[0]) if book.methods else None
        self._keys = review_keys(book.class_names)
        known = " ".join(name for key in self._keys for name in key.keys)
        remark = key_for(self._keys, ("remark", ""))
        with part("main", "review", data_keys=known) as self._root:
            change(self._root, data_remark=remark.keys[0] if remark else None)
            self._bar = Bar(book.run_name, self.reading, self.do, signed_in)
            with part("div") as self._place:
                Text("p", "Loading the first case…", "body")
        ui.on("review_key", self._on_key)
        client.on_disconnect(self._leave)

    async def do(self, action: str, value: int | str = "") -> None:
        """Do what a button, a key or the page asks for."""
        async with self._lock:
            if not self._client.is_deleted:
                with self._root:
                    await self._do(action, value)

    async def _do(self, action: str, value: int | str) -> None:
        desk = self._desk
        match action:
            case "show":
                await self._show(int(value))
            case "go":
                await self._go(self.reading.position + int(value))
            case "to":
                await self._go(int(value))
            case "list":
                list_dialog(self.reading, self.do)
            case "help":
                keys_dialog(self._keys)
            case _ if desk is not None:
                await self._at_desk(desk, action, value)

    async def _at_desk(self, desk: Desk, action: str, value: int | str) -> None:
        reading = self.reading
        match action:
            case "verdict":
                if await self._keep_remark():
                    await self._keep(reading.judged(int(value)))
            case "marks":
                await self._mark(desk, str(value))
            case "map":
                await desk.show_map()
            case "method":
                await desk.show_map(shown=True, method=str(value))
            case "opacity":
                desk.fade(int(value))
            case "remark":
                desk.tell("Give your verdict first.")  # else the browser has moved the cursor
            case "type":
                await self._keep_remark()
            case "retry":
                await self._keep(reading.pending)
            case "drop":
                reading.pending = None
                desk.alarm("")
                if desk.after is not None:
                    desk.after.reset()
                await desk.refresh()

    async def _on_key(self, event: GenericEventArguments) -> None:
        """A key, if it was meant for the case that is shown."""
        name, stamp = str(event.args.get("key")), str(event.args.get("stamp"))
        key = next((key for key in self._keys if name in key.keys), None)
        if key is None:
            return
        if key.action[0] != "go" and stamp != self._stamp():
            return
        await self.do(*key.action)

    def _stamp(self) -> str:
        return str(self.reading.position)

    async def _show(self, position: int) -> None:
        """Show a case, or the end, whatever was there."""
        reading = self.reading
        cases, self._desk = reading.cases, None
        if position >= len(cases):
            self._begin(position)
            with self._place:
                closing_page(self._book, reading, self.do)
            return
        try:
            views = await self._gallery.views(cases[position])
        except Exception:  # whatever a book raises; its words may hold the path, so the label
            _log.exception("review: no pictures of %s", cases[position].path)
            views = None
        self._begin(position)
        with self._place:
            if views is None:
                with part("div", "card end"):
                    Text("h1", f"Case {position + 1} of {len(cases)}", tabindex="-1")
                    words = "This case's picture cannot be read; the server's log says why."
                    Text("div", words, "alarm shown", role="alert")
                    steps(self._keys, self.do, first=position == 0)
            else:
                self._desk = Desk(
                    self._book, self._gallery, reading, self._keys, self.do, self._typed, views,
                    self._settings,
                )  # fmt: skip
                await self._desk.refresh()
        if position + 1 < len(cases):
            self._gallery.prepare(cases[position + 1])

    def _begin(self, position: int) -> None:
        """Clear the page for a case, whose time begins."""
        self.reading.go(position)
        self._place.clear()
        change(self._root, data_case=self._stamp())
        self._bar.refresh()

    async def _go(self, position: int) -> None:
        """Leave a case, unless something of it is not saved."""
        position = min(max(position, 0), len(self.reading.cases))
        if position == self.reading.position:
            return
        if self._desk is None or await self._keep_remark():
            await self._show(position)
            self._client.run_javascript("document.querySelector('.review h1')?.focus()")

    async def _mark(self, desk: Desk, marks: str) -> None:
        reading, settings = self.reading, self._settings
        if reading.latest is None:
            desk.tell("Give your verdict first.")
        elif settings is None or not desk.map_visible:
            desk.tell("Turn the map on first.")
        elif await self._keep_remark():
            chosen = MARKS[MARKS.index(marks)]
            await self._keep(reading.marked(chosen, settings.method))

    def _typed(self) -> None:
        """Keep the remark once the reader pauses."""
        if self._desk is not None:
            self._desk.tell("Typing…")
        if self._typing is not None:
            self._typing.cancel()
        self._typing = asyncio.create_task(self._pause())

    async def _pause(self) -> None:
        await asyncio.sleep(PAUSE)
        self._typing = None  # what writes is not cancelled
        await self.do("type")

    async def _leave(self) -> None:
        """Keep what is typed when the tab is closed."""
        await self.do("type")

    async def _keep_remark(self) -> bool:
        """Keep the remark as it is typed; whether nothing is left unsaved."""
        reading, desk = self.reading, self._desk
        if desk is None or (reading.latest is None and reading.pending is None):
            return True
        typed = desk.after.typed if desk.after is not None else None
        if typed is None:
            return await self._keep(reading.pending)
        return await self._keep(reading.remarked(typed))

    async def _keep(self, answer: Answer | None) -> bool:
        """Keep an answer, then say so; if it cannot be kept, say that, and leave it on the page."""
        desk = self._desk
        if desk is None:
            return True
        if answer is None:
            desk.tell("Saved ✓" if self.reading.latest else "")
            return True
        desk.tell("Saving…")
        problem = ""
        try:
            await asyncio.get_running_loop().run_in_executor(None, self.reading.keep, answer)
        except Exception as error:  # the reader must know, whatever it was
            problem = first_line(error)
            if not isinstance(error, IdcError):
                _log.exception("review: an answer of %s is not saved", answer.reader)
        desk.alarm(problem)
        if not problem:
            desk.tell("Saved ✓")
            self._bar.refresh()
        await desk.refresh()
        return not problem
