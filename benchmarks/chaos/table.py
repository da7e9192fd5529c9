"""The table of faults: what was done, what should become of it, what did."""

import re
from dataclasses import dataclass
from pathlib import Path

BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"


@dataclass(frozen=True)
class Fault:
    """A fault that was injected.

    Attributes:
        kind: What it belongs to.
        injected: What was done.
        expected: What should become of it.
        observed: What did.
        held: Whether the two agree.
    """

    kind: str
    injected: str
    expected: str
    observed: str
    held: bool

    def row(self) -> str:
        """A row of a Markdown table."""
        cells = (self.kind, self.injected, self.expected, self.observed)
        plain = [re.sub(r"\s+", " ", cell).replace("|", "\\|") for cell in cells]
        return f"| {' | '.join(plain)} | {'yes' if self.held else '**no**'} |"


def markdown(faults: list[Fault]) -> str:
    """The table as Markdown."""
    head = "| | Fault | Expected | Observed | Held |\n|---|---|---|---|---|\n"
    return head + "\n".join(fault.row() for fault in faults) + "\n"


def write(faults: list[Fault], page: Path, heading: str) -> None:
    """Put the table between the marks of a page.

    Raises:
        ValueError: The page has no such marks.
    """
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page}: no {BEGIN} ... {END} in it")
    page.write_text(f"{before}{BEGIN}\n{heading}\n\n{markdown(faults)}{END}{after}")
