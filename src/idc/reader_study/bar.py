"""The page's upper edge: whose review of what it is, and how far it has come."""

from functools import partial

from idc.reader_study.keys import Do
from idc.reader_study.parts import Text, button, change, part
from idc.reader_study.reading import Reading


class Bar:
    """The upper edge of a reader's page.

    Args:
        run_name: What the reader knows the run by.
        reading: The reader's way through the cases.
        do: Does what a button asks for.
        signed_in: Whether the reader may sign out.
    """

    def __init__(self, run_name: str, reading: Reading, do: Do, signed_in: bool) -> None:
        self._reading = reading
        with part("header", "bar"):
            Text("span", run_name, "name")
            self._count = Text("span")
            self._meter = part("progress", max=str(len(reading.cases)), aria_label="Answered")
            with part("div", "tools"):
                Text("span", reading.reader, "name")
                button("Cases", partial(do, "list", ""))
                button("Keys", partial(do, "help", ""))
                if signed_in:
                    with part("form", method="post", action="/logout"):
                        Text("button", "Sign out", type="submit")

    def refresh(self) -> None:
        """Say how many cases are answered."""
        total = len(self._reading.cases)
        answered = total - len(self._reading.unanswered())
        self._count.set_text(f"{answered} of {total} answered")
        change(self._meter, value=str(answered))
