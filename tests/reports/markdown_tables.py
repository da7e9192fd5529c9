"""Tables of a Markdown text, as cells."""

import re


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a Markdown text as cells, split at pipes that are not escaped."""
    result: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            result[-1].append([c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]])
        elif result[-1]:
            result.append([])
    return [rows for rows in result if rows]
