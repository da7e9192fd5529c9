"""The header of the page: run, progress, reader and tools."""

from functools import partial

from idc.reader_study.keys import Dispatch
from idc.reader_study.parts import HtmlText, button, change, part
from idc.reader_study.reading import Reading


class Bar:
    """The header of a reader's page.

    Args:
        run_name: Name of the run, for display.
        reading: The reader's progress.
        dispatch: Performs the action of a button.
        signed_in: Whether the reader can sign out.
    """

    def __init__(
        self, run_name: str, reading: Reading, dispatch: Dispatch, signed_in: bool
    ) -> None:
        self._reading = reading
        with part("header", "bar"):
            HtmlText("span", run_name, "name")
            self._count = HtmlText("span")
            self._meter = part("progress", max=str(len(reading.cases)), aria_label="Answered")
            with part("div", "tools"):
                HtmlText("span", reading.reader, "name")
                button("Cases", partial(dispatch, "list", ""))
                button("Keys", partial(dispatch, "help", ""))
                if signed_in:
                    with part("form", method="post", action="/logout"):
                        HtmlText("button", "Sign out", type="submit")

    def refresh(self) -> None:
        """Update the number of answered cases."""
        total = len(self._reading.cases)
        answered = total - len(self._reading.unanswered())
        self._count.set_text(f"{answered} of {total} answered")
        change(self._meter, value=str(answered))
