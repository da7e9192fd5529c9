"""One case on the page: its images, the verdict, and the questions after it."""

from collections.abc import Callable, Sequence
from functools import partial

from idc.reader_study.case import CaseBook
from idc.reader_study.case_images import CaseImages, CaseViews, Surroundings
from idc.reader_study.follow_up import FollowUp
from idc.reader_study.keys import Dispatch, Key, key_for
from idc.reader_study.map_view import MapSettings, MapView
from idc.reader_study.page_text import model_facts, place, verdict_buttons, verdict_name
from idc.reader_study.parts import HtmlText, button, change, facts, part, press
from idc.reader_study.reading import Reading


class CaseView:
    """The current case. Elements that may not be shown yet are not created yet.

    Args:
        book: The cases.
        images: Their images.
        reading: The reader's progress.
        keys: Keyboard shortcuts.
        dispatch: Performs the action of a button.
        on_type: Called with each change of the remark.
        views: The case's images.
        settings: The reader's map settings; None if the book has no maps.

    Attributes:
        follow_up: The questions after the verdict; None before it.
    """

    def __init__(
        self,
        book: CaseBook,
        images: CaseImages,
        reading: Reading,
        keys: Sequence[Key],
        dispatch: Dispatch,
        on_type: Callable[[], None],
        views: CaseViews,
        settings: MapSettings | None,
    ) -> None:
        self._book, self._reading, self._keys, self._dispatch = book, reading, keys, dispatch
        self._images, self._on_type, self._settings = images, on_type, settings
        self._map: MapView | None = None
        self.follow_up: FollowUp | None = None
        with part("div", "body"):
            self._show_images(views)
            with part("div", "column"):
                self._questions()

    @property
    def map_visible(self) -> bool:
        """Whether a map is visible."""
        return self._map is not None and self._map.visible

    async def refresh(self) -> None:
        """Update the verdict, and everything that may be shown now."""
        reading = self._reading
        pending = reading.pending
        newest = pending or reading.latest
        for verdict, element in self._verdicts.items():
            chosen = newest is not None and newest.verdict == verdict
            press(element, chosen)
            element.classes(**{"add" if chosen and pending else "remove": "unsaved"})
        if reading.model_in_sight:
            await self._show_model()
        if reading.latest is not None:
            if self.follow_up is None:
                with self._after:
                    self.follow_up = FollowUp(
                        reading, self._keys, self._dispatch, self._on_type, self._map
                    )
            self.follow_up.refresh()

    async def show_map(self, shown: bool | None = None, method: str | None = None) -> None:
        """Turn the map on, off or (None) toggle it, and choose its method."""
        if self._map is None:
            self.show_status(
                "There is no map to show." if self._reading.model_in_sight else "Not yet."
            )
            return
        settings = self._map.settings
        settings.shown = not settings.shown if shown is None else shown
        settings.method = method or settings.method
        await self._map.refresh()
        await self.refresh()

    def change_opacity(self, by: int) -> None:
        """Change the opacity of the map by a number of percent."""
        if self._map is not None:
            self._map.change_opacity(by)

    def show_status(self, words: str) -> None:
        """Show a status message below the questions."""
        self._status.set_text(words)

    def show_error(self, words: str) -> None:
        """Show that an answer is not saved; "" removes the error."""
        self._alarm.clear()
        self._alarm.classes(**{"add" if words else "remove": "shown"})
        if not words:
            return
        self.show_status("")
        with self._alarm:
            HtmlText("div", f"NOT SAVED. {words}")
            HtmlText("div", "Your answer is only on this page: do not close it.")
            with part("div", "steps"):
                button("Try again", partial(self._dispatch, "retry", ""), "first")
                button("Drop this answer", partial(self._dispatch, "drop", ""))

    def _show_images(self, views: CaseViews) -> None:
        case = self._reading.case
        with part("section", "column", aria_label="Patch"), part("figure"):
            with part("div", "stage") as self._stage:
                part("img", "patch", src=views.patch, alt="The patch, enlarged")
            HtmlText("figcaption", place(case, views.side))
        with part("section", "column context", aria_label="Surroundings and map"):
            if case.x is not None:
                with part("figure", "around-figure"):
                    self._surroundings(views.around)
            self._below = part("div", "column")

    def _surroundings(self, around: Surroundings | None) -> None:
        if around is None:
            HtmlText("figcaption", "The surroundings cannot be shown; see the server's log.")
            return
        with part("div", "around").style(f"aspect-ratio: {around.aspect:.4f}"):
            part("img", src=around.source, alt="The slide round the patch, which is framed")
            frame = around.frame
            part("div", "frame").style(
                f"left: {frame.left:.3f}%; top: {frame.top:.3f}%; "
                f"width: {frame.width:.3f}%; height: {frame.height:.3f}%"
            )
        HtmlText("figcaption", "Its surroundings on the slide; the frame is the patch.")

    def _questions(self) -> None:
        reading, names = self._reading, self._book.class_names
        number = reading.position + 1
        with part("section", "card", aria_label="Verdict"):
            HtmlText("h1", f"Case {number} of {len(reading.cases)}", tabindex="-1")
            HtmlText("p", "What does the framed patch show?")
            self._verdicts: dict[int, HtmlText] = {}
            many = " many" if len(names) > 2 else ""
            with part("div", f"choices verdicts{many}", role="group", aria_label="Your verdict"):
                for verdict in verdict_buttons(names):
                    words = verdict_name(verdict, names)
                    self._verdicts[verdict] = button(
                        words[:1].upper() + words[1:],
                        partial(self._dispatch, "verdict", verdict),
                        key=key_for(self._keys, ("verdict", verdict)),
                    )
        self._alarm = part("div", "alarm", role="alert")
        with part("section", "card", aria_label="The model's answer") as self._model:
            HtmlText("p", "The model's answer is shown after your verdict.", "soft")
        self._after = part("div")
        self._status = HtmlText("div", "", "status", role="status")
        steps(self._keys, self._dispatch, first=reading.position == 0)

    async def _show_model(self) -> None:
        """Show the model's answer, the label and the map, which may be shown now."""
        reading = self._reading
        self._model.clear()
        with self._model:
            facts(model_facts(self._book, reading.case, reading.counted))
        if self._map is None and self._settings is not None:
            self._map = MapView(
                self._book,
                self._images,
                reading.case,
                self._settings,
                self._stage,
                self._below,
                turn=lambda: self._dispatch("map", ""),
                choose=lambda method: self._dispatch("method", method),
            )
            await self._map.refresh()


def steps(keys: Sequence[Key], dispatch: Dispatch, first: bool) -> None:
    """Show the buttons Back and Next."""
    with part("div", "steps"):
        back = button("Back", partial(dispatch, "go", -1), key=key_for(keys, ("go", -1)))
        change(back, disabled="" if first else None)
        button("Next", partial(dispatch, "go", 1), key=key_for(keys, ("go", 1)))
