"""Markdown that says what it was given: no name becomes markup, a table keeps its columns."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import yaml

from idc.reports.blocks import cell_text

# Underscores inside a word are no markup, and names are full of them.
MARKUP = re.compile(r"([\\`*<>\[\]|~$#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
ENTITY = re.compile(r"&(?=#?\w+;)")


class Markdown(str):
    """Text that is Markdown already; everything else is escaped."""

    __slots__ = ()


def escape(value: object) -> str:
    """A value as it stands in Markdown; `Markdown` passes as it is.

    Line breaks become spaces, so that no value ends its list item, table or paragraph.
    """
    if isinstance(value, Markdown):
        return value
    line = " ".join(str(value).split())
    return MARKUP.sub(r"\\\1", ENTITY.sub("&amp;", line))


def code(text: str) -> Markdown:
    """A value between backticks, however many it holds itself."""
    line = " ".join(text.split())
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return Markdown(f"{fence}{space}{line}{space}{fence}")


def table(frame: pd.DataFrame, decimals: int | None = 3) -> Markdown:
    """A table; numbers are set right, NaN is a dash. Nothing for a table without rows."""
    if frame.empty:
        return Markdown("")
    numeric = [pd.api.types.is_numeric_dtype(frame[name].dtype) for name in frame.columns]
    columns = [
        [escape(cell_text(value, decimals)) for value in frame[name].tolist()]
        for name in frame.columns
    ]
    lines = [
        _line(escape(name) for name in frame.columns),
        _line("---:" if is_number else "---" for is_number in numeric),
        *(_line(cells) for cells in zip(*columns, strict=True)),
    ]
    return Markdown("\n".join(lines))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def bullets(items: Iterable[str]) -> Markdown:
    """A list of sentences."""
    return Markdown("\n".join(f"- {escape(item)}" for item in items))


def front_matter(data: Mapping[str, Any]) -> Markdown:
    """Metadata as YAML, without the dashes around it."""
    return Markdown(yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True).strip())
