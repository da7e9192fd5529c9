"""The end of a reading, and the lists of cases and of keys."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from nicegui import ui

from idc.reader_study.answer import MARKS
from idc.reader_study.case import CaseBook
from idc.reader_study.keys import Do, Key
from idc.reader_study.parts import Text, button, part
from idc.reader_study.reading import Reading, Summary
from idc.reader_study.words import verdict_buttons, verdict_name

LISTED = 200  # buttons of a list; more would not be read


def closing_page(book: CaseBook, reading: Reading, do: Do) -> None:
    """Thanks, what is left, and a summary of this reader's own answers."""
    missing, total = reading.unanswered(), len(reading.cases)
    with part("div", "card end"):
        Text("h1", f"Thank you, {reading.reader}.", tabindex="-1")
        answered = total - len(missing)
        Text("p", f"You answered {answered} of {total} cases. All your answers are saved.")
        if missing:
            Text("p", "Not answered yet:")
            _case_buttons(missing, lambda position: do("to", position))
        if answered:
            _table(book, reading.summary())
        Text("p", "You can close this page, or go back and change answers.", "soft")
        with part("div", "steps"):
            button("Back to the last case", partial(do, "to", total - 1))
            button("First case", partial(do, "to", 0))


def list_dialog(reading: Reading, do: Do) -> None:
    """A list of the cases by whether the reader has answered them."""
    missing = reading.unanswered()
    left = set(missing)
    answered = [i for i in range(len(reading.cases)) if i not in left]
    with ui.dialog() as dialog, ui.card().classes("panel"):

        async def go(position: int) -> None:
            dialog.close()
            await do("to", position)

        for words, cases in (("Not answered", missing), ("Answered", answered)):
            Text("h2", f"{words}: {len(cases)}")
            if cases:
                _case_buttons(cases, go)
        with part("div", "steps"):
            button("To the end", partial(go, len(reading.cases)))
            button("Close", dialog.close)
    _open_once(dialog)


def keys_dialog(keys: Sequence[Key]) -> None:
    """What the keys do."""
    with ui.dialog() as dialog, ui.card().classes("panel"):
        Text("h2", "Keys")
        with part("dl", "facts"):
            for key in keys:
                Text("dt", key.shown)
                Text("dd", key.words)
        Text("p", "Keys do nothing while you type in a field; Esc leaves it.", "soft")
        button("Close", dialog.close)
    _open_once(dialog)


def _open_once(dialog: ui.dialog) -> None:
    """Open a dialog that is taken away when it closes."""
    dialog.on("hide", lambda _: dialog.delete(), args=[])
    dialog.open()


def _case_buttons(cases: Iterable[int], go: Callable[[int], Awaitable[None]]) -> None:
    positions = list(cases)
    with part("div", "cases"):
        for position in positions[:LISTED]:
            words = str(position + 1)
            button(words, partial(go, position), aria_label=f"Case {words}")
        if len(positions) > LISTED:
            Text("span", f"and {len(positions) - LISTED} more", "soft")


def _table(book: CaseBook, summary: Summary) -> None:
    rows = [
        (f"Verdict {verdict_name(verdict, book.class_names)}", str(summary.verdicts[verdict]))
        for verdict in verdict_buttons(book.class_names)
        if verdict in summary.verdicts
    ]
    if summary.decided:
        rows += [
            ("The model says the same", f"{summary.with_model} of {summary.decided}"),
            ("The data set says the same", f"{summary.with_label} of {summary.decided}"),
        ]
    for method, marks in summary.marks.items():
        said = ", ".join(f"{mark} {marks[mark]}" for mark in MARKS if mark in marks)
        rows.append((f"Maps by {method}", said))
    with part("table"), part("tbody"):
        for name, value in rows:
            with part("tr"):
                Text("th", name, scope="row")
                Text("td", value)
