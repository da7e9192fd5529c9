"""The command line, before Hydra reads it."""

import os
import re
from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from idc.runtime.redaction import redact

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


def without_secrets(arguments: Sequence[str]) -> list[str]:
    """The arguments with each value that holds a secret moved to an environment variable.

    So ``tracking.uri=http://USER:PASSWORD@HOST`` becomes ``tracking.uri=${oc.env:NAME}``, and
    whatever keeps or shows the command (Hydra's files, tags, reports, ranks, the jobs of a sweep)
    has no password to keep.
    """
    return [
        argument if redact(argument) == argument else _moved(argument) for argument in arguments
    ]


def _moved(argument: str) -> str:
    try:
        override = OverridesParser.create().parse_override(argument)
    except HydraException:
        return argument  # Hydra refuses it, in output that is redacted
    if override.is_sweep_override() or not isinstance(value := override.value(), str):
        return argument
    variable = "IDC_HIDDEN_" + re.sub(r"\W", "_", override.key_or_group).upper()
    os.environ[variable] = value
    return f"{argument.partition('=')[0]}=${{oc.env:{variable}}}"
