"""The questions after the verdict: whether the map is right, and a remark."""

from collections.abc import Callable, Sequence
from functools import partial

from nicegui import ui

from idc.reader_study.keys import Dispatch, Key, key_for
from idc.reader_study.map_view import MapView
from idc.reader_study.parts import HtmlText, button, change, part, press
from idc.reader_study.reading import LONGEST_REMARK, Reading

QUESTION = "Does the map mark the right cells?"
MARK_WORDS = {"right": "Right", "partly": "Partly", "wrong": "Wrong"}


class FollowUp:
    """The questions after the verdict.

    Args:
        reading: The reader's progress, at a case with a verdict.
        keys: Keyboard shortcuts.
        dispatch: Performs the action of a button.
        on_type: Called with each change of the remark.
        map_view: The map in question, if there is one.
    """

    def __init__(
        self,
        reading: Reading,
        keys: Sequence[Key],
        dispatch: Dispatch,
        on_type: Callable[[], None],
        map_view: MapView | None,
    ) -> None:
        self._reading, self._on_type, self._map = reading, on_type, map_view
        self._marks: dict[str, HtmlText] = {}
        self._touched = False
        latest = reading.latest
        with part("section", "card", aria_label="Map and remark"):
            if map_view is not None:
                HtmlText("h2", QUESTION)
                with part("div", "choices", role="group", aria_label=QUESTION):
                    for marks, words in MARK_WORDS.items():
                        key = key_for(keys, ("marks", marks))
                        self._marks[marks] = button(
                            words, partial(dispatch, "marks", marks), key=key
                        )
                self._so_far = HtmlText("p", "", "soft")
            self._remark = ui.textarea("Remark (optional)", value=latest.remark if latest else "")
            self._remark.props(f"outlined autogrow maxlength={LONGEST_REMARK}").classes("remark")
            self._remark.on_value_change(self._touch)
            self._remark.on("blur", lambda _: dispatch("type", ""), args=[])

    @property
    def typed(self) -> str | None:
        """The remark in the text field; None if it was not changed on this page."""
        return str(self._remark.value or "") if self._touched else None

    def reset(self) -> None:
        """Show the saved remark."""
        latest = self._reading.latest
        self._remark.value = latest.remark if latest else ""
        self._touched = False

    def refresh(self) -> None:
        """Show the judgement of the map, and whether it can be judged."""
        newest = self._reading.pending or self._reading.latest
        if self._map is None or newest is None:
            return
        shown = self._map.settings.method
        for marks, element in self._marks.items():
            press(element, newest.map_marks == marks and newest.method == shown)
            change(element, disabled=None if self._map.visible else "")
        other = newest.map_marks and newest.method != shown
        words = f"Saved so far: {newest.method}, {newest.map_marks}. " if other else ""
        if not self._map.visible:
            words += "Turn the map on to judge it."
        self._so_far.set_text(words)

    def _touch(self) -> None:
        self._touched = True
        self._on_type()
