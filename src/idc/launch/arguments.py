"""The command line, before Hydra reads it."""

import re
from collections.abc import Sequence

SELECT = ("explain.select=", "select=")
BEFORE_QUOTE = re.compile(r"(\\*)('|$)")


def quoted(arguments: Sequence[str]) -> list[str]:
    """The arguments with the value of a selection in quotes where Hydra needs them.

    Hydra refuses a value that holds ``=`` or a comma (``explain.select=patient=8863,8864``) unless
    it is quoted, and quotes get lost in the shell.
    """
    return [
        _quoted(argument) if argument.startswith(SELECT) else argument for argument in arguments
    ]


def _quoted(argument: str) -> str:
    name, _, value = argument.partition("=")
    if value[:1] in ("'", '"') or not set(value) & set("=,*"):
        return argument
    # Within quotes only a quote is special, and the backslashes before one.
    escaped = BEFORE_QUOTE.sub(lambda m: m[1] * 2 + ("\\'" if m[2] else ""), value)
    return f"{name}='{escaped}'"
