"""Escaped Markdown: names never become markup, and tables keep their columns."""

import re
from collections.abc import Iterable

import pandas as pd

from idc.reports.formats import cell_text, numeric_columns

# Underscores inside a word, as in many names, are not markup.
MARKUP = re.compile(r"([\\`*<>\[\]|~$#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
ENTITY = re.compile(r"&(?=#?\w+;)")


class Markdown(str):
    """Text that is Markdown already; everything else is escaped."""

    __slots__ = ()


def one_line(value: object) -> str:
    """A value as text on one line, so that it cannot end a list item, table row or paragraph."""
    return re.sub(r"\s+", " ", str(value))


def escape(value: object) -> str:
    """Escape a value for Markdown, on one line; `Markdown` is returned unchanged."""
    if isinstance(value, Markdown):
        return value
    return MARKUP.sub(r"\\\1", ENTITY.sub("&amp;", one_line(value)))


def code(text: object) -> Markdown:
    """Format a value as inline code, even if it contains backticks."""
    line = one_line(text)
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return Markdown(f"{fence}{space}{line}{space}{fence}")


def markdown_table(frame: pd.DataFrame, decimals: int | None = 3) -> Markdown:
    """Format a table: numbers are right-aligned, NaN is a dash; "" for a table without rows."""
    if frame.empty:
        return Markdown("")
    lines = [
        _row(frame.columns.map(escape)),
        _row("---:" if is_number else "---" for is_number in numeric_columns(frame)),
        *(
            _row(escape(cell_text(value, decimals)) for value in row)
            for row in frame.itertuples(index=False, name=None)
        ),
    ]
    return Markdown("\n".join(lines))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
