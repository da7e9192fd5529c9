"""Redaction of secrets (passwords, tokens, credentials in URIs) on the screen and in files.

`hide_secrets` wraps the standard streams, `Formatter` formats the log, and whatever is written to
MLflow or to a file goes through `redact` (see `idc.tracking.privacy.Redactor`).
"""

import logging
import os
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any, TextIO, cast
from urllib.parse import parse_qsl, quote, unquote, urlsplit

HIDDEN = "***"
SHORTEST = 6  # characters; replacing shorter secrets would damage ordinary words
VARIABLE = re.compile(r"(PASSWORD|PASSWD|TOKEN|SECRET|SECRET_ACCESS_KEY|API_KEY|PSEUDONYM_KEY)$")
FIELD = re.compile(r"auth|code|key|pass|pwd|secret|sig|token", re.IGNORECASE)
# Only with a host: sqlite:///FILE has no secret, and its path may contain anything.
URI = re.compile(r"\w[\w+.-]*://(?!/)[^\s'\"<>]+")
# Up to the last @: as in SQLAlchemy, a password may contain any character.
USER_INFO = re.compile(r"://(?:[^/?#:]*:.*|[^/?#]*)@")
QUERY_VALUE = re.compile(r"([?&;][^=&;#]+=)[^&;#]+")


def redact(text: str) -> str:
    """Return the text without secrets.

    Removes the user, the password and the query values of every URI, and all passwords and tokens
    of 6 characters or more in this process's environment: values of variables with such names, and
    those inside URIs.
    """
    for secret in _secrets(tuple(os.environ.items())):
        text = text.replace(secret, HIDDEN)
    return redact_uris(text)


def redact_uris(text: str) -> str:
    """Replace users, passwords and query values in URIs by ``***``."""
    return URI.sub(lambda match: _without_secrets(match[0]), text) if "://" in text else text


def hide_secrets() -> None:
    """Redact what this process prints from now on; calling it again has no effect."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, _Redacted):
            setattr(sys, name, cast(TextIO, _Redacted(stream)))


class Formatter(logging.Formatter):
    """Log formatter that redacts secrets in messages and tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as redacted text."""
        return redact(super().format(record))


class _Redacted:
    """Proxy of a text stream that redacts what is written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(redact(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _without_secrets(uri: str) -> str:
    return QUERY_VALUE.sub(rf"\1{HIDDEN}", USER_INFO.sub(f"://{HIDDEN}@", uri))


@lru_cache(maxsize=1)
def _secrets(environment: tuple[tuple[str, str], ...]) -> list[str]:
    """Secrets of the environment, in all forms in which they may be written, longest first."""
    plain: set[str] = set()
    for name, value in environment:
        if VARIABLE.search(name):
            plain.add(value)
        if "://" in value:
            plain.update(_of_uri(value))
    written = {form for s in plain for form in (s, unquote(s), quote(s, safe=""))}
    return sorted((s for s in written if len(s) >= SHORTEST), key=len, reverse=True)


def _of_uri(uri: str) -> set[str]:
    secrets: set[str] = set()
    with suppress(ValueError):  # no URI after all
        parts = urlsplit(uri)
        # postgresql://mlflow:mlflow@db: no secret, and redacting it would remove ordinary words.
        if parts.password and parts.password != parts.username:
            secrets.add(parts.password)
        secrets |= {value for name, value in parse_qsl(parts.query) if FIELD.search(name)}
    return secrets
