"""Secrets stay off the screen and out of all files: passwords, tokens, and what URIs hold of them.

All output passes here: `hide_secrets` wraps the standard streams, `Formatter` is that of the log,
and what goes to MLflow or into a file calls `redact` itself (`idc.tracking.privacy.Redactor`).
"""

import logging
import os
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, TextIO, cast
from urllib.parse import parse_qsl, quote, unquote, urlsplit

HIDDEN = "***"
SHORTEST = 6  # characters; a shorter secret would take letters out of words
VARIABLE = re.compile(r"(PASSWORD|PASSWD|TOKEN|SECRET|SECRET_ACCESS_KEY|API_KEY|PSEUDONYM_KEY)$")
FIELD = re.compile(r"auth|code|key|pass|pwd|secret|sig|token", re.IGNORECASE)
# With a host: sqlite:///FILE has no secret, and its path may hold anything.
URI = re.compile(r"\w[\w+.-]*://(?!/)[^\s'\"<>]+")
# To the last @: a password may hold any character, as SQLAlchemy takes it.
USER_INFO = re.compile(r"://(?:[^/?#:]*:.*|[^/?#]*)@")
QUERY_VALUE = re.compile(r"([?&;][^=&;#]+=)[^&;#]+")


def redact(text: str) -> str:
    """A text without secrets.

    Taken out are the user, the password and the query's values of every URI, wherever they stand;
    and, as values of 6 characters or more, what this process's environment holds of passwords and
    tokens: in variables of such names, and in URIs.
    """
    for secret in sorted(_secrets(), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return redact_uris(text)


def redact_uris(text: str) -> str:
    """A text whose URIs have ``***`` in place of users, passwords and the values of queries."""
    return URI.sub(lambda match: _without_secrets(match[0]), text) if "://" in text else text


def hide_secrets() -> None:
    """Redact what this process prints from now on; to call it again changes nothing."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, _Redacted):
            setattr(sys, name, cast(TextIO, _Redacted(stream)))


class Formatter(logging.Formatter):
    """The standard library's, without secrets in messages and tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one redacted text."""
        return redact(super().format(record))


class _Redacted:
    """A text stream whose writes are redacted; else it is the stream."""

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


def _secrets() -> set[str]:
    """The values that are secret by where they stand in the environment, as they may be written."""
    plain: set[str] = set()
    for name, value in os.environ.items():
        if VARIABLE.search(name):
            plain.add(value)
        if "://" in value:
            plain.update(_of_uri(value))
    written = {form for s in plain for form in (s, unquote(s), quote(s, safe=""))}
    return {secret for secret in written if len(secret) >= SHORTEST}


def _of_uri(uri: str) -> set[str]:
    found: set[str] = set()
    with suppress(ValueError):  # no URI after all
        parts = urlsplit(uri)
        # postgresql://mlflow:mlflow@db hides nothing, and would take a word out of every message.
        if parts.password and parts.password != parts.username:
            found.add(parts.password)
        found |= {value for name, value in parse_qsl(parts.query) if FIELD.search(name)}
    return found
