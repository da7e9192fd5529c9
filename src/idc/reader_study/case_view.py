"""One case on the page: its images, the verdict, and the questions after it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from nicegui import ui
from numpy.typing import NDArray

from idc.reader_study.case import AROUND
from idc.reader_study.map_view import MapView
from idc.reader_study.page_parts import Desk, heading, press, table
from idc.reader_study.page_text import model_facts, place, scale_bar, verdict_buttons, verdict_name
from idc.reader_study.pictures import data_uri
from idc.reader_study.reading import LONGEST_REMARK

QUESTION = "Does the map mark the right cells?"
MARK_WORDS = {"right": "Right", "partly": "Partly", "wrong": "Wrong"}
WIDE = 2 * AROUND + 1
FRAME = (
    '<rect x="{0}" y="{0}" width="{1}" height="{1}" fill="none" stroke="{2}" stroke-width="{3}" '
    'vector-effect="non-scaling-stroke"/>'
)


@dataclass(frozen=True)
class CaseViews:
    """The patch, uint8 (P, P, 3), its surroundings as a data URI, or the `problem` with them."""

    patch: NDArray[np.uint8]
    around: str | None
    problem: str = ""


class CaseView:
    """The current case. Elements that may not be shown yet are not created yet."""

    def __init__(self, desk: Desk, views: CaseViews, on_type: Callable[[], None]) -> None:
        self._desk, self._patch, self._on_type = desk, views.patch, on_type
        self.map: MapView | None = None
        self._remark: ui.textarea | None = None
        self._touched = False
        self._marks: dict[str, ui.button] = {}
        with ui.element("div").classes("body"):
            if views.around or views.problem:
                with ui.element("section").classes("context").props('aria-label="Surroundings"'):
                    self._surroundings(views)
            with ui.element("section").classes("patches").props('aria-label="Patch and map"'):
                with ui.element("figure"):
                    ui.interactive_image(data_uri(views.patch)).classes("patch")
                    ui.label(place(desk.reading.case, views.patch.shape[1])).classes("soft")
                self._map_place = ui.element("div")
            with ui.element("section").classes("questions"):
                self._questions()

    @property
    def typed(self) -> str | None:
        """The remark in the text field; None if it was not changed on this page."""
        return str(self._remark.value or "") if self._remark and self._touched else None

    def reset(self) -> None:
        """Show the saved remark."""
        latest = self._desk.reading.latest
        if self._remark is not None:
            self._remark.value = latest.remark if latest else ""
        self._touched = False

    def refresh(self) -> None:
        """Update the verdict, and everything that may be shown now."""
        reading = self._desk.reading
        newest = reading.pending or reading.latest
        for verdict, button in self._verdicts.items():
            chosen = newest is not None and newest.verdict == verdict
            press(button, chosen)
            button.classes(**{"add" if chosen and reading.pending else "remove": "unsaved"})
        if reading.model_in_sight:
            self._show_model()
        if reading.latest is not None:
            self._show_follow_up()

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
            ui.label(f"NOT SAVED. {words}")
            ui.label("Your answer is only on this page: do not close it.")
            with ui.element("div").classes("steps"):
                self._desk.button("Try again", ("retry", ""))
                self._desk.button("Drop this answer", ("drop", ""))

    def _surroundings(self, views: CaseViews) -> None:
        """The slide around the patch; review.js zooms and moves it."""
        if views.around is None:
            ui.label(views.problem).classes("soft")
            return
        words, share = scale_bar(self._desk.book.patch_um, self._patch.shape[1])
        side = self._patch.shape[1]
        frame = "".join(
            FRAME.format(AROUND * side, side, colour, width)
            for colour, width in (("black", 5), ("white", 2))
        )
        with ui.element("div").classes("around").style(f"--bar: {100 * share / WIDE:.3f}%"):
            with ui.element("div").classes("pane"):
                ui.interactive_image(views.around, content=frame).classes("slide")
            with ui.element("div").classes("scale"):
                ui.label(words)
            with ui.element("div").classes("zoom"):
                for sign, name, factor in (("+", "Zoom in", 1.5), ("-", "Zoom out", 1 / 1.5)):
                    button = ui.button(sign, color="white")
                    button.props(f'text-color=black aria-label="{name}"')
                    button.props(f"data-zoom={factor:.4f}")
        ui.label("The frame is the patch; + and - zoom, dragging moves.").classes("soft")

    def _questions(self) -> None:
        reading, names = self._desk.reading, self._desk.book.class_names
        with ui.card():
            heading(f"Case {reading.position + 1} of {len(reading.cases)}")
            ui.label("What does the framed patch show?")
            choices = ui.element("div").classes("choices verdicts")
            with choices.props('role=group aria-label="Your verdict"'):
                self._verdicts = {
                    verdict: self._desk.button(
                        verdict_name(verdict, names)[:1].upper() + verdict_name(verdict, names)[1:],
                        ("verdict", verdict),
                    )
                    for verdict in verdict_buttons(names)
                }
        self._alarm = ui.element("div").classes("alarm").props("role=alert")
        self._model = ui.card()
        with self._model:
            ui.label("The model's answer is shown after your verdict.").classes("soft")
        self._after = ui.element("div")
        self._status = ui.label().classes("status").props("role=status")
        steps(self._desk)

    def _show_model(self) -> None:
        """Show the model's answer, the label and the map, which may be shown now."""
        desk = self._desk
        self._model.clear()
        with self._model:
            table(model_facts(desk.book, desk.reading.case, desk.reading.counted))
        if self.map is None and desk.settings.method:
            with self._map_place:
                self.map = MapView(desk, self._patch, self._show_marks)

    def _show_follow_up(self) -> None:
        """Ask whether the map is right, and for a remark."""
        if self._remark is None:
            with self._after, ui.card():
                if self.map is not None:
                    heading(QUESTION, 2)
                    with ui.element("div").classes("choices"):
                        self._marks = {
                            mark: self._desk.button(words, ("marks", mark))
                            for mark, words in MARK_WORDS.items()
                        }
                    self._so_far = ui.label().classes("soft")
                self._remark = ui.textarea("Remark (optional)")
                self._remark.props(f"outlined autogrow dense maxlength={LONGEST_REMARK}")
                self._remark.classes("remark")
                self.reset()
                self._remark.on_value_change(self._touch)

                async def leave() -> None:
                    await self._desk.act("type", "")

                self._remark.on("blur", leave, args=[])
        self._show_marks()

    def _show_marks(self) -> None:
        """Show the reader's judgement of the map in sight, and whether it can be judged."""
        newest = self._desk.reading.pending or self._desk.reading.latest
        if not self._marks or self.map is None or newest is None:
            return
        method = self._desk.settings.method
        for mark, button in self._marks.items():
            press(button, (newest.map_marks, newest.method) == (mark, method))
            button.set_enabled(self.map.visible)
        words = "" if self.map.visible else "Turn the map on to judge it."
        if newest.map_marks and newest.method != method:
            words = f"Saved so far: {newest.method}, {newest.map_marks}. {words}"
        self._so_far.set_text(words)

    def _touch(self) -> None:
        self._touched = True
        self._on_type()


def steps(desk: Desk) -> None:
    """The buttons Back and Next."""
    with ui.element("div").classes("steps"):
        desk.button("Back", ("go", -1)).set_enabled(desk.reading.position > 0)
        desk.button("Next", ("go", 1))
