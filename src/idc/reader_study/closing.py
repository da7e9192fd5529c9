"""The closing page, and the dialogs with cases and keyboard shortcuts."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from nicegui import ui

from idc.reader_study.answer import MARKS
from idc.reader_study.case import CaseBook
from idc.reader_study.keys import Dispatch, Key
from idc.reader_study.page_text import verdict_buttons, verdict_name
from idc.reader_study.parts import HtmlText, button, part
from idc.reader_study.reading import Reading, Summary

LISTED = 200  # maximum number of buttons in a list


def closing_page(book: CaseBook, reading: Reading, dispatch: Dispatch) -> None:
    """Show thanks, the unanswered cases and a summary of the reader's answers."""
    missing, total = reading.unanswered(), len(reading.cases)
    with part("div", "card end"):
        HtmlText("h1", f"Thank you, {reading.reader}.", tabindex="-1")
        answered = total - len(missing)
        HtmlText("p", f"You answered {answered} of {total} cases. All your answers are saved.")
        if missing:
            HtmlText("p", "Not answered yet:")
            _case_buttons(missing, lambda position: dispatch("to", position))
        if answered:
            _table(book, reading.summary())
        HtmlText("p", "You can close this page, or go back and change answers.", "soft")
        with part("div", "steps"):
            button("Back to the last case", partial(dispatch, "to", total - 1))
            button("First case", partial(dispatch, "to", 0))


def list_dialog(reading: Reading, dispatch: Dispatch) -> None:
    """Show the unanswered and the answered cases."""
    missing = reading.unanswered()
    left = set(missing)
    answered = [i for i in range(len(reading.cases)) if i not in left]
    with ui.dialog() as dialog, ui.card().classes("panel"):

        async def go(position: int) -> None:
            dialog.close()
            await dispatch("to", position)

        for words, cases in (("Not answered", missing), ("Answered", answered)):
            HtmlText("h2", f"{words}: {len(cases)}")
            if cases:
                _case_buttons(cases, go)
        with part("div", "steps"):
            button("To the end", partial(go, len(reading.cases)))
            button("Close", dialog.close)
    _open_once(dialog)


def keys_dialog(keys: Sequence[Key]) -> None:
    """Show the keyboard shortcuts."""
    with ui.dialog() as dialog, ui.card().classes("panel"):
        HtmlText("h2", "Keys")
        with part("dl", "facts"):
            for key in keys:
                HtmlText("dt", key.shown)
                HtmlText("dd", key.words)
        HtmlText("p", "Keys do nothing while you type in a field; Esc leaves it.", "soft")
        button("Close", dialog.close)
    _open_once(dialog)


def _open_once(dialog: ui.dialog) -> None:
    """Open a dialog that is deleted when it closes."""
    dialog.on("hide", lambda _: dialog.delete(), args=[])
    dialog.open()


def _case_buttons(cases: Iterable[int], go: Callable[[int], Awaitable[None]]) -> None:
    positions = list(cases)
    with part("div", "cases"):
        for position in positions[:LISTED]:
            words = str(position + 1)
            button(words, partial(go, position), aria_label=f"Case {words}")
        if len(positions) > LISTED:
            HtmlText("span", f"and {len(positions) - LISTED} more", "soft")


def _table(book: CaseBook, summary: Summary) -> None:
    rows = [
        (f"Verdict {verdict_name(verdict, book.class_names)}", str(summary.verdicts[verdict]))
        for verdict in verdict_buttons(book.class_names)
        if verdict in summary.verdicts
    ]
    if summary.decided:
        rows += [
            ("The model agrees", f"{summary.with_model} of {summary.decided}"),
            ("The label agrees", f"{summary.with_label} of {summary.decided}"),
        ]
    for method, marks in summary.marks.items():
        counts = ", ".join(f"{mark} {marks[mark]}" for mark in MARKS if mark in marks)
        rows.append((f"Maps by {method}", counts))
    with part("table"), part("tbody"):
        for name, value in rows:
            with part("tr"):
                HtmlText("th", name, scope="row")
                HtmlText("td", value)
