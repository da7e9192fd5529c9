"""The attribution map beside the patch, with its controls, legend and caveat."""

import logging
from collections.abc import Callable

import numpy as np
from nicegui import ui
from numpy.typing import NDArray

from idc.reader_study.page_parts import Desk
from idc.reader_study.page_text import explained_class
from idc.reader_study.pictures import coloured, data_uri, legend, over_grey, smoothed

_log = logging.getLogger(__name__)
# Return the focus to the page, so that its keys work again.
RELEASE = "() => setTimeout(() => document.activeElement?.blur())"


class MapView:
    """The map of the current case, created once it may be shown."""

    def __init__(self, desk: Desk, patch: NDArray[np.uint8], on_change: Callable[[], None]) -> None:
        self._desk, self._patch, self._on_change = desk, patch, on_change
        self._colours: NDArray[np.uint8] | None = None
        settings, book = desk.settings, desk.book
        words = {name: f"{name} ⚠" if name in book.notes else name for name in book.methods}
        with ui.element("figure"):
            self._image = ui.interactive_image().classes("patch map")
            self._legend = ui.interactive_image().classes("legend")
            with ui.element("div").classes("ends"):
                self._ends = [ui.label() for _ in range(2)]
            self._caution = ui.label().classes("caution").props("role=note")
            with ui.element("div").classes("controls"):
                switch = ui.switch("Map", value=settings.shown).bind_value(settings, "shown")
                switch.props("dense aria-keyshortcuts=m")
                select = ui.select(words, value=settings.method).bind_value(settings, "method")
                select.props('dense options-dense outlined aria-label="Method of the map"')
                select.on("popup-hide", js_handler=RELEASE)
                slider = ui.slider(min=0, max=100, step=5, value=settings.strength)
                slider.bind_value(settings, "strength")
                slider.props('aria-label="Strength of the map, percent"')
            self._source = ui.label().classes("soft")
        self._select()
        switch.on_value_change(self._draw)
        slider.on_value_change(self._draw)
        select.on_value_change(self._select)

    @property
    def visible(self) -> bool:
        """Whether the reader sees a map: it is on, could be read, and is not faded away."""
        settings = self._desk.settings
        return settings.shown and settings.strength > 0 and self._colours is not None

    def _select(self) -> None:
        """Show the map of the chosen method."""
        book, case = self._desk.book, self._desk.reading.case
        method = self._desk.settings.method
        caveat = book.notes.get(method, "")
        try:
            values = smoothed(book.attribution(case, method))
        except Exception:  # whatever a book raises: the case can be reviewed without the map
            _log.exception("review: no map of %s by %s", case.path, method)
            self._colours, caveat = None, "this map cannot be shown; see the server's log"
        else:
            signed, name = bool(values.min() < 0), explained_class(book, case)
            self._colours = coloured(values)
            self._legend.set_source(data_uri(legend(signed)))
            ends = (f"against {name}" if signed else "little", f"evidence for {name}")
            for label, words in zip(self._ends, ends, strict=True):
                label.set_text(words)
        self._caution.set_text(f"⚠ {method}: {caveat}")
        self._caution.set_visibility(bool(caveat))
        self._source.set_text(f"Scaled within this patch. Source: {book.sources[method]}.")
        self._draw()

    def _draw(self) -> None:
        shown = self._colours if self.visible else None
        if shown is None:
            shown = np.zeros((*self._patch.shape[:2], 4), np.uint8)
        strength = self._desk.settings.strength / 100
        self._image.set_source(data_uri(over_grey(shown, self._patch, strength)))
        self._on_change()
