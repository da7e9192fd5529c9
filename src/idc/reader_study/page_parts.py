"""What the parts of a reader's page share: the reader's state, buttons with keys, headings."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import binding, ui

from idc.reader_study.case import CaseBook
from idc.reader_study.keys import Action, Key, key_for
from idc.reader_study.reading import Reading

Act = Callable[[str, int | str], Awaitable[None]]


@binding.bindable_dataclass
class MapSettings:
    """A reader's map settings, kept from case to case; the strength is an opacity, 0 to 100."""

    method: str = ""
    shown: bool = True
    strength: float = 70


@dataclass(frozen=True)
class Desk:
    """What a reader's page works with; `act` performs an action, see `keys.Key`."""

    book: CaseBook
    reading: Reading
    keys: Sequence[Key]
    act: Act
    settings: MapSettings

    def button(self, words: str, action: Action) -> ui.button:
        """A button for an action, with its keyboard shortcut."""

        async def perform() -> None:
            await self.act(*action)

        element = plain_button(words, perform)
        if key := key_for(self.keys, action):
            element.props(f'aria-keyshortcuts="{key.keys[0]}"')
            with element:
                ui.label(key.shown.partition(" or ")[0]).classes("key").props("aria-hidden=true")
        return element


def plain_button(words: str, on_click: Callable[[], Any]) -> ui.button:
    """A button without a keyboard shortcut."""
    return ui.button(words, on_click=lambda _: on_click()).props("outline no-caps")


def press(button: ui.button, pressed: bool) -> None:
    """Set whether a button is pressed."""
    button.props(f"aria-pressed={'true' if pressed else 'false'}")
    button.props(**{"remove" if pressed else "add": "outline"})


def heading(words: str, level: int = 1) -> ui.label:
    """A heading."""
    label = ui.label(words).classes(f"heading{level}")
    return label.props(f'role=heading aria-level={level} tabindex="-1"')


def table(rows: Sequence[tuple[str, str, str]]) -> None:
    """Names, values and explanations in small print."""
    with ui.element("dl").classes("facts"):
        for name, value, small in rows:
            with ui.element("dt"):
                ui.label(name)
            with ui.element("dd"):
                ui.label(value)
                if small:
                    ui.label(small).classes("soft")
