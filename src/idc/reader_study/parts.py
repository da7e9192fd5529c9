"""Plain HTML elements of the page: buttons, texts, images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nicegui import ui
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

from idc.reader_study.keys import Key

FOLDER = Path(__file__).parent


class HtmlText(TextElement):
    """An HTML element that starts with a text, which is escaped."""

    def __init__(self, tag: str, words: str = "", classes: str = "", **attributes: object) -> None:
        super().__init__(tag=tag, text=words)
        self.classes(classes)
        change(self, **attributes)


def add_assets() -> None:
    """Add the style sheet and the keyboard script to the page."""
    ui.add_css((FOLDER / "review.css").read_text(encoding="utf-8"))
    ui.add_body_html(f"<script>{(FOLDER / 'keys.js').read_text(encoding='utf-8')}</script>")


def part(tag: str, classes: str = "", **attributes: object) -> Element:
    """Create an HTML element; `_` in attribute names becomes `-`."""
    element = ui.element(tag).classes(classes)
    change(element, **attributes)
    return element


def change(element: Element, **attributes: object) -> None:
    """Set attributes of an element; None removes one."""
    for name, value in attributes.items():
        element.props.set_optional(name.replace("_", "-"), value)


def button(
    words: str,
    on_click: Callable[[], Any],
    classes: str = "",
    key: Key | None = None,
    **attributes: object,
) -> HtmlText:
    """Create a button that shows its keyboard shortcut."""
    element = HtmlText("button", words, classes, type="button", **attributes)
    if key is not None:
        change(element, aria_keyshortcuts=key.keys[0])
        with element:
            HtmlText("kbd", key.shown.partition(" or ")[0], aria_hidden="true")
    element.on("click", lambda _: on_click(), args=[])
    return element


def press(element: Element, pressed: bool) -> None:
    """Set whether a button is pressed."""
    change(element, aria_pressed="true" if pressed else "false")


def facts(rows: list[tuple[str, str, str]]) -> None:
    """Create a list of names, values and explanations in small print."""
    with part("dl", "facts"):
        for name, value, small in rows:
            HtmlText("dt", name)
            with HtmlText("dd", value):
                if small:
                    HtmlText("span", f" {small}", "soft")
