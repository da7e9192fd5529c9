"""Plain HTML parts of the page: buttons, texts, pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nicegui import ui
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

from idc.reader_study.keys import Key

FOLDER = Path(__file__).parent


class Text(TextElement):
    """An HTML element that begins with a text; the text is never read as HTML."""

    def __init__(self, tag: str, words: str = "", classes: str = "", **attributes: object) -> None:
        super().__init__(tag=tag, text=words)
        self.classes(classes)
        change(self, **attributes)


def dress() -> None:
    """Give the page its looks and its keys."""
    ui.add_css((FOLDER / "review.css").read_text(encoding="utf-8"))
    ui.add_body_html(f"<script>{(FOLDER / 'keys.js').read_text(encoding='utf-8')}</script>")


def part(tag: str, classes: str = "", **attributes: object) -> Element:
    """An HTML element; in the names of attributes `_` stands for `-`."""
    element = ui.element(tag).classes(classes)
    change(element, **attributes)
    return element


def change(element: Element, **attributes: object) -> None:
    """Set attributes of an element; None takes one away."""
    for name, value in attributes.items():
        element.props.set_optional(name.replace("_", "-"), value)


def button(
    words: str,
    on_click: Callable[[], Any],
    classes: str = "",
    key: Key | None = None,
    **attributes: object,
) -> Text:
    """A button, with the key that does the same."""
    element = Text("button", words, classes, type="button", **attributes)
    if key is not None:
        change(element, aria_keyshortcuts=key.keys[0])
        with element:
            Text("kbd", key.shown.partition(" or ")[0], aria_hidden="true")
    element.on("click", lambda _: on_click(), args=[])
    return element


def press(element: Element, pressed: bool) -> None:
    """Say whether a button is the one that was chosen."""
    change(element, aria_pressed="true" if pressed else "false")


def facts(rows: list[tuple[str, str, str]]) -> None:
    """A list of names, values, and what is to be said of them in small print."""
    with part("dl", "facts"):
        for name, value, small in rows:
            Text("dt", name)
            with Text("dd", value):
                if small:
                    Text("span", f" {small}", "soft")
