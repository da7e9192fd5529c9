"""One case on the page: its pictures, the verdict, and what follows the verdict."""

from collections.abc import Callable, Sequence
from functools import partial

from idc.reader_study.case import CaseBook
from idc.reader_study.follow_up import FollowUp
from idc.reader_study.gallery import Around, Gallery, Views
from idc.reader_study.keys import Do, Key, key_for
from idc.reader_study.map_view import MapSettings, MapView
from idc.reader_study.parts import Text, button, change, facts, part, press
from idc.reader_study.reading import Reading
from idc.reader_study.words import model_facts, place, verdict_buttons, verdict_name


class Desk:
    """The case that a reading is at. What may not be shown yet is not built yet.

    Args:
        book: The cases.
        gallery: Their pictures.
        reading: The reader's way through them.
        keys: What the keys do.
        do: Does what a button asks for.
        on_type: Called with each change of the remark.
        views: The case's pictures.
        settings: How the reader last set the map; None if the book has no maps.

    Attributes:
        after: What is asked once there is a verdict.
    """

    def __init__(
        self,
        book: CaseBook,
        gallery: Gallery,
        reading: Reading,
        keys: Sequence[Key],
        do: Do,
        on_type: Callable[[], None],
        views: Views,
        settings: MapSettings | None,
    ) -> None:
        self._book, self._reading, self._keys, self._do = book, reading, keys, do
        self._gallery, self._on_type, self._settings = gallery, on_type, settings
        self._map: MapView | None = None
        self.after: FollowUp | None = None
        with part("div", "body"):
            self._pictures(views)
            with part("div", "column"):
                self._questions()

    @property
    def map_visible(self) -> bool:
        """Whether the reader sees a map."""
        return self._map is not None and self._map.visible

    async def refresh(self) -> None:
        """Show what was said, and what may be shown now."""
        reading = self._reading
        pending = reading.pending
        newest = pending or reading.latest
        for verdict, element in self._verdicts.items():
            chosen = newest is not None and newest.verdict == verdict
            press(element, chosen)
            element.classes(**{"add" if chosen and pending else "remove": "unsaved"})
        if reading.model_in_sight:
            await self._reveal()
        if reading.latest is not None:
            if self.after is None:
                with self._after:
                    self.after = FollowUp(reading, self._keys, self._do, self._on_type, self._map)
            self.after.refresh()

    async def show_map(self, shown: bool | None = None, method: str | None = None) -> None:
        """Turn the map on, off or (None) over, and choose its method."""
        if self._map is None:
            self.tell("There is no map to show." if self._reading.model_in_sight else "Not yet.")
            return
        settings = self._map.settings
        settings.shown = not settings.shown if shown is None else shown
        settings.method = method or settings.method
        await self._map.refresh()
        await self.refresh()

    def fade(self, by: int) -> None:
        """Make the map stronger or fainter."""
        if self._map is not None:
            self._map.fade(by)

    def tell(self, words: str) -> None:
        """Say something below the questions."""
        self._status.set_text(words)

    def alarm(self, words: str) -> None:
        """Say loudly that an answer is not saved; "" takes it back."""
        self._alarm.clear()
        self._alarm.classes(**{"add" if words else "remove": "shown"})
        if not words:
            return
        self.tell("")
        with self._alarm:
            Text("div", f"NOT SAVED. {words}")
            Text("div", "Your answer is still on this page. Do not close it.")
            with part("div", "steps"):
                button("Try again", partial(self._do, "retry", ""), "first")
                button("Drop this answer", partial(self._do, "drop", ""))

    def _pictures(self, views: Views) -> None:
        case = self._reading.case
        with part("section", "column", aria_label="Patch"), part("figure"):
            with part("div", "stage") as self._stage:
                part("img", "patch", src=views.patch, alt="The patch, enlarged")
            Text("figcaption", place(case, views.side))
        with part("section", "column context", aria_label="Surroundings and map"):
            with part("figure", "around-figure"):
                self._surroundings(views.around)
            self._below = part("div", "column")

    def _surroundings(self, around: Around | None) -> None:
        if around is None:
            Text("figcaption", "The surroundings cannot be shown; the server's log says why.")
            return
        with part("div", "around").style(f"aspect-ratio: {around.aspect:.4f}"):
            part("img", src=around.source, alt="The slide round the patch, which is framed")
            frame = around.frame
            part("div", "frame").style(
                f"left: {frame.left:.3f}%; top: {frame.top:.3f}%; "
                f"width: {frame.width:.3f}%; height: {frame.height:.3f}%"
            )
        Text("figcaption", "Its surroundings on the slide; the frame is the patch.")

    def _questions(self) -> None:
        reading, names = self._reading, self._book.class_names
        number = reading.position + 1
        with part("section", "card", aria_label="Verdict"):
            Text("h1", f"Case {number} of {len(reading.cases)}", tabindex="-1")
            Text("p", "What does the framed patch show?")
            self._verdicts: dict[int, Text] = {}
            many = " many" if len(names) > 2 else ""
            with part("div", f"choices verdicts{many}", role="group", aria_label="Your verdict"):
                for verdict in verdict_buttons(names):
                    words = verdict_name(verdict, names)
                    self._verdicts[verdict] = button(
                        words[:1].upper() + words[1:],
                        partial(self._do, "verdict", verdict),
                        key=key_for(self._keys, ("verdict", verdict)),
                    )
        self._alarm = part("div", "alarm", role="alert")
        with part("section", "card", aria_label="The model's answer") as self._model:
            Text("p", "The model's answer is shown after your verdict.", "soft")
        self._after = part("div")
        self._status = Text("div", "", "status", role="status")
        steps(self._keys, self._do, first=reading.position == 0)

    async def _reveal(self) -> None:
        """Show the model's answer, the label and the map, now that they may be seen."""
        reading = self._reading
        self._model.clear()
        with self._model:
            facts(model_facts(self._book, reading.case, reading.said))
        if self._map is None and self._settings is not None:
            self._map = MapView(
                self._book,
                self._gallery,
                reading.case,
                self._settings,
                self._stage,
                self._below,
                turn=lambda: self._do("map", ""),
                choose=lambda method: self._do("method", method),
            )
            await self._map.refresh()


def steps(keys: Sequence[Key], do: Do, first: bool) -> None:
    """The buttons back and next."""
    with part("div", "steps"):
        back = button("Back", partial(do, "go", -1), key=key_for(keys, ("go", -1)))
        change(back, disabled="" if first else None)
        button("Next", partial(do, "go", 1), key=key_for(keys, ("go", 1)))
