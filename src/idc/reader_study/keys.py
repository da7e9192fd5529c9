"""Keyboard shortcuts of the page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from idc.reader_study.answer import UNSURE

Action = tuple[str, int | str]
CLASS_KEYS = 10  # classes with a digit


@dataclass(frozen=True)
class Key:
    """Keys that perform an action with its value: the browser's names, letters in lower case."""

    keys: tuple[str, ...]
    action: Action
    words: str

    @property
    def shown(self) -> str:
        """The keys as they are written on a keyboard."""
        arrows = {"arrowleft": "←", "arrowright": "→"}
        return " or ".join(arrows.get(key, key.upper()) for key in self.keys)


def review_keys(class_names: Sequence[str]) -> list[Key]:
    """All keyboard shortcuts for these classes.

    The first ten classes have a digit and, if no other key uses it, their first letter.
    """
    fixed = _fixed_keys()
    taken = Counter(name for key in fixed for name in key.keys)
    taken.update(name[:1].lower() for name in class_names)
    verdicts = [
        Key((str(i), *_letter(name, taken)), ("verdict", i), f"Verdict: {name}")
        for i, name in enumerate(class_names[:CLASS_KEYS])
    ]
    if len(class_names) == 2:
        verdicts.reverse()  # the positive class first
    return [*verdicts, *fixed]


def _letter(class_name: str, taken: "Counter[str]") -> tuple[str, ...]:
    letter = class_name[:1].lower()
    return (letter,) if letter.isascii() and letter.isalpha() and taken[letter] == 1 else ()


def _fixed_keys() -> list[Key]:
    return [
        Key(("u",), ("verdict", UNSURE), "Verdict: unsure"),
        Key(("m",), ("map", ""), "Map on or off"),
        Key(("[",), ("strength", -10), "Map fainter"),
        Key(("]",), ("strength", 10), "Map stronger"),
        Key(("r",), ("marks", "right"), "The map marks the right cells"),
        Key(("p",), ("marks", "partly"), "The map marks them partly"),
        Key(("w",), ("marks", "wrong"), "The map marks the wrong cells"),
        Key(("c",), ("remark", ""), "Write a remark; Esc leaves it"),
        Key(("arrowleft",), ("go", -1), "Back"),
        Key(("arrowright",), ("go", 1), "Next"),
        Key(("l",), ("list", ""), "List of the cases"),
        Key(("?",), ("help", ""), "Keyboard shortcuts"),
    ]


def key_for(keys: Sequence[Key], action: Action) -> Key | None:
    """The key for an action, or None."""
    return next((key for key in keys if key.action == action), None)
