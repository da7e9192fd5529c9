"""The attribution map over the patch, with its controls, legend and caveat."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from nicegui import ui
from nicegui.element import Element

from idc.reader_study.case import Case, CaseBook
from idc.reader_study.case_images import CaseImages
from idc.reader_study.page_text import explained_class
from idc.reader_study.parts import HtmlText, change, part, press
from idc.reader_study.pictures import legend_gradient

_log = logging.getLogger(__name__)


@dataclass
class MapSettings:
    """A reader's map settings, kept from case to case.

    Attributes:
        method: The attribution method, one of the book's.
        shown: Whether the map is on.
        opacity: Opacity where the map is strongest, 0 to 100.
    """

    method: str
    shown: bool = True
    opacity: float = 70


class MapView:
    """The map of one case, created once it may be shown.

    Args:
        book: The cases.
        images: Their images.
        case: The case; a map of it may be sent to the browser.
        settings: The reader's settings; updated in place.
        stage: The element with the patch.
        below: The element for the controls.
        turn: Called when the reader turns the map on or off.
        choose: Called with the method that the reader chooses.
    """

    def __init__(
        self,
        book: CaseBook,
        images: CaseImages,
        case: Case,
        settings: MapSettings,
        stage: Element,
        below: Element,
        turn: Callable[[], object],
        choose: Callable[[str], object],
    ) -> None:
        self._book, self._images, self._case = book, images, case
        self.settings, self._stage = settings, stage
        self._drawn = ""  # the method whose map is in the browser
        with stage:
            self._image = part("img", "map", alt="", aria_hidden="true")
        with below, part("div", "card"):
            with part("div", "controls"):
                self._switch = HtmlText("button", "Map", type="button", aria_keyshortcuts="m")
                with self._switch:
                    HtmlText("kbd", "M", aria_hidden="true")
                self._switch.on("click", lambda _: turn(), args=[])
                self._select(choose)
            self._caution = HtmlText("div", "", "caution", role="note")
            with part("div", "controls"), part("div", "slide"):
                HtmlText("span", "Strength", "soft")
                HtmlText("kbd", "[", aria_hidden="true")
                self._slider = ui.slider(min=0, max=100, step=5, value=settings.opacity)
                self._slider.props('aria-label="Strength of the map, percent"')
                self._slider.on_value_change(self._faded)
                HtmlText("kbd", "]", aria_hidden="true")
            self._legend = part("div", "legend")

    @property
    def visible(self) -> bool:
        """Whether the reader sees a map: it is on, drawn and not faded away."""
        settings = self.settings
        return settings.shown and self._drawn == settings.method and settings.opacity > 0

    async def refresh(self) -> None:
        """Update the map to the settings."""
        method = self.settings.method
        if self._drawn != method:
            await self._draw(method)
        press(self._switch, self.settings.shown)
        self._show()

    def change_opacity(self, by: int) -> None:
        """Change the opacity by a number of percent."""
        self._slider.value = min(max(self.settings.opacity + by, 0), 100)

    async def _draw(self, method: str) -> None:
        caveat = self._book.notes.get(method, "")
        try:
            picture = await self._images.map(self._case, method)
        except Exception:  # whatever a book raises: the case can be reviewed without the map
            _log.exception("review: no map of %s by %s", self._case.path, method)
            self._drawn = ""
            change(self._image, src=None)
            self._legend.clear()
            caveat = "This map cannot be shown; see the server's log."
        else:
            self._drawn = method
            change(self._image, src=picture.source)
            self._explain(picture.signed, picture.largest, self._book.sources.get(method, ""))
        self._caution.set_text(f"⚠ {method}: {caveat}" if caveat else "")
        self._caution.set_visibility(bool(caveat))
        self._stage.classes(**{"add" if caveat else "remove": "doubtful"})

    def _explain(self, signed: bool, largest: float, source: str) -> None:
        """Show the legend."""
        name = explained_class(self._book, self._case)
        self._legend.clear()
        with self._legend:
            with (
                part("div", "colours"),
                part("div").style(f"background: {legend_gradient(signed)}"),
            ):
                pass
            with part("div", "ends"):
                if signed:
                    HtmlText("span", f"against {name}")
                    HtmlText("span", "neither (clear)")
                    HtmlText("span", f"for {name}")
                else:
                    HtmlText("span", "little (clear)")
                    HtmlText("span", f"most evidence for {name}")
            HtmlText(
                "div",
                f"Colours are scaled within this patch (largest value {largest:.3g}): "
                "they compare places, not patches." + (f" Source: {source}." if source else ""),
                "soft",
            )

    def _select(self, choose: Callable[[str], object]) -> None:
        with part("label"):
            HtmlText("span", "by", "soft")
            with part("select", aria_label="Method of the map") as select:
                for method in self._book.methods:
                    chosen = "" if method == self.settings.method else None
                    words = f"{method} ⚠" if method in self._book.notes else method
                    HtmlText("option", words, value=method, selected=chosen)
            # Return the focus to the page, so that its keys work again.
            handler = "(e) => { emit(e.target.value); e.target.blur(); }"
            select.on("change", lambda e: choose(str(e.args)), js_handler=handler)

    def _faded(self) -> None:
        self.settings.opacity = float(self._slider.value or 0)
        self._show()

    def _show(self) -> None:
        opacity = self.settings.opacity / 100 if self.settings.shown and self._drawn else 0
        self._image.style(f"opacity: {opacity:.2f}")
