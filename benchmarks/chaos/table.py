"""The table of faults: what was done, what should become of it, what did."""

import re
from dataclasses import dataclass
from pathlib import Path

# The temporary folder, and the machine's name, are nobody's business in a page.
PLACE = re.compile(r"/[^\s=]*idc-chaos-\w+/[\w-]+")
HOST = re.compile(r"(?<= on )\S+(?=, since)")
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
        single: One of many that another row sums up; the page shows it only if it did not hold.
    """

    kind: str
    injected: str
    expected: str
    observed: str
    held: bool
    single: bool = False

    def row(self) -> str:
        """A row of a Markdown table."""
        cells = (self.kind, self.injected, self.expected, self.observed)
        plain = [
            re.sub(r"\s+", " ", HOST.sub("HOST", PLACE.sub("ROOT", cell))).replace("|", "\\|")
            for cell in cells
        ]
        return f"| {' | '.join(plain)} | {'yes' if self.held else '**no**'} |"


HEAD = "| | Fault | Expected | Observed | Held |\n|---|---|---|---|---|\n"


def write(faults: list[Fault], page: Path, heading: str) -> None:
    """Put the rows and their heading between the marks of a page; rows of other kinds stay.

    Raises:
        ValueError: The page has no such marks.
    """
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page}: no {BEGIN} ... {END} in it")
    kinds = {fault.kind for fault in faults}
    old = [line for line in rest.partition(END)[0].splitlines() if line.startswith("| ")]
    rows = [line for line in old if line.split("|")[1].strip() not in {*kinds, ""}]
    rows += [fault.row() for fault in faults if not (fault.single and fault.held)]
    words = [line for line in rest.partition(END)[0].splitlines() if line.startswith("- *")]
    words = [line for line in words if not kinds & set(line.split("*")[1].split(", "))]
    told = "\n".join([*words, f"- *{', '.join(sorted(kinds))}*: {heading}"])
    table = HEAD + "\n".join(rows)
    page.write_text(f"{before}{BEGIN}\n{told}\n\n{table}\n{END}{after}")
