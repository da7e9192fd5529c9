"""Escaped Markdown: names never become markup, and tables keep their columns."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import yaml

from idc.reports.blocks import cell_text

# Underscores inside a word, as in many names, are not markup.
MARKUP = re.compile(r"([\\`*<>\[\]|~$#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
ENTITY = re.compile(r"&(?=#?\w+;)")


class Markdown(str):
    """Text that is Markdown already; everything else is escaped."""

    __slots__ = ()


def escape(value: object) -> str:
    """Escape a value for Markdown; `Markdown` is returned unchanged.

    Line breaks become spaces, so that no value ends its list item, table or paragraph.
    """
    if isinstance(value, Markdown):
        return value
    line = " ".join(str(value).split())
    return MARKUP.sub(r"\\\1", ENTITY.sub("&amp;", line))


def code(text: str) -> Markdown:
    """Format a value as inline code, even if it contains backticks."""
    line = " ".join(text.split())
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return Markdown(f"{fence}{space}{line}{space}{fence}")


def table(frame: pd.DataFrame, decimals: int | None = 3) -> Markdown:
    """Format a table: numbers are right-aligned, NaN is a dash; "" for a table without rows."""
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
    """Format a list."""
    return Markdown("\n".join(f"- {escape(item)}" for item in items))


def front_matter(data: Mapping[str, Any]) -> Markdown:
    """Format metadata as YAML, without the delimiting dashes."""
    return Markdown(yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True).strip())
