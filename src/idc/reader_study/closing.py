"""The closing page, and the dialogs with cases and keyboard shortcuts."""

from collections.abc import Sequence
from functools import partial

from nicegui import ui

from idc.reader_study.page_parts import Desk, heading, plain_button, table
from idc.reader_study.page_text import summary

LISTED = 200  # maximum number of buttons in a list


def closing_page(desk: Desk) -> None:
    """Show thanks, the unanswered cases and a summary of the reader's answers."""
    reading = desk.reading
    missing, total = reading.unanswered(), len(reading.cases)
    with ui.card().classes("end"):
        heading(f"Thank you, {reading.reader}.")
        ui.label(
            f"You answered {total - len(missing)} of {total} cases. All your answers are saved."
        )
        if missing:
            ui.label("Not answered yet:")
            _case_buttons(desk, missing)
        table(summary(reading.answered(), desk.book.class_names))
        ui.label("You can close this page, or go back and change answers.").classes("soft")
        with ui.element("div").classes("steps"):
            desk.button("Back to the last case", ("to", total - 1))
            desk.button("First case", ("to", 0))


def list_dialog(desk: Desk) -> None:
    """Show the unanswered and the answered cases."""
    missing = desk.reading.unanswered()
    answered = sorted(set(range(len(desk.reading.cases))) - set(missing))
    with _dialog() as dialog, ui.card().classes("review"):
        for words, cases in (("Not answered", missing), ("Answered", answered)):
            heading(f"{words}: {len(cases)}", 2)
            _case_buttons(desk, cases, dialog)
        plain_button("Close", dialog.close)


def keys_dialog(desk: Desk) -> None:
    """Show the keyboard shortcuts."""
    with _dialog() as dialog, ui.card().classes("review"):
        heading("Keyboard shortcuts", 2)
        table([(key.shown, key.words, "") for key in desk.keys])
        ui.label("+ and - zoom the surroundings. Keys do nothing in a field; Esc leaves it.")
        plain_button("Close", dialog.close)


def _dialog() -> ui.dialog:
    """An open dialog that is deleted when it closes."""
    dialog = ui.dialog(value=True)
    dialog.on("hide", lambda _: dialog.delete(), args=[])
    return dialog


def _case_buttons(desk: Desk, positions: Sequence[int], dialog: ui.dialog | None = None) -> None:
    async def go(position: int) -> None:
        if dialog is not None:
            dialog.close()
        await desk.act("to", position)

    with ui.element("div").classes("cases"):
        for position in positions[:LISTED]:
            button = plain_button(str(position + 1), partial(go, position))
            button.props(f'dense aria-label="Case {position + 1}"')
        if len(positions) > LISTED:
            ui.label(f"and {len(positions) - LISTED} more").classes("soft")
