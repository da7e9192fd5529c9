"""Names from data, as words in a figure."""

from idc.plots.style import shorten


def literal(text: str, limit: int = 40) -> str:
    """A name that matplotlib draws as it stands, cut to `limit` characters.

    Names come from folders and tables: two dollar signs in one would be read as a formula, which
    draws something else or raises, and a line break would push the rest of a figure aside.
    """
    one_line = " ".join(text.split()) if text.strip() else "(no name)"
    return shorten(one_line, limit).replace("$", r"\$")
