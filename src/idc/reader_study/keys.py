"""What the keys do."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from idc.reader_study.answer import UNSURE

Action = tuple[str, int | str]
Do = Callable[[str, int | str], Awaitable[None]]
IDC_NAMES = ("no IDC", "IDC")


@dataclass(frozen=True)
class Key:
    """One thing that keys do.

    Attributes:
        keys: What the browser calls the keys, letters in lower case; the first is shown on buttons.
        action: What to do, and with what.
        words: The same for people.
    """

    keys: tuple[str, ...]
    action: Action
    words: str

    @property
    def shown(self) -> str:
        """The keys as they are written on a keyboard."""
        arrows = {"arrowleft": "←", "arrowright": "→"}
        return " or ".join(arrows.get(key, key.upper()) for key in self.keys)


def review_keys(class_names: Sequence[str]) -> list[Key]:
    """All keys, for these classes; classes from the tenth on have none."""
    letters = ("n", "i") if tuple(class_names) == IDC_NAMES else ()
    verdicts = [
        Key((str(i), *letters[i : i + 1]), ("verdict", i), f"Verdict: {name}")
        for i, name in enumerate(class_names[:10])
    ]
    if len(class_names) == 2:
        verdicts.reverse()  # the positive class first
    return [
        *verdicts,
        Key(("u",), ("verdict", UNSURE), "Verdict: unsure"),
        Key(("m",), ("map", ""), "Map on or off"),
        Key(("[", "-"), ("opacity", -10), "Map fainter"),
        Key(("]", "+"), ("opacity", 10), "Map stronger"),
        Key(("r",), ("marks", "right"), "The map marks the right cells"),
        Key(("p",), ("marks", "partly"), "The map marks them partly"),
        Key(("w",), ("marks", "wrong"), "The map marks the wrong cells"),
        Key(("c",), ("remark", ""), "Write a remark; Esc leaves it"),
        Key(("arrowleft",), ("go", -1), "Back"),
        Key(("arrowright",), ("go", 1), "Next"),
        Key(("l",), ("list", ""), "List of the cases"),
        Key(("?",), ("help", ""), "These keys"),
    ]


def key_for(keys: Sequence[Key], action: Action) -> Key | None:
    """The key that does this, if one does."""
    return next((key for key in keys if key.action == action), None)
