"""What a command prints: characters that the terminal has, and errors in one sentence."""

import codecs
import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from idc.errors import IdcError

PLAIN = {"±": "+/-", "…": "...", "•": "*", "━": "-"}


def make_printable() -> None:
    """Put something in the place of characters that the terminal's encoding lacks.

    A job that is done must not fail for its table. It has to be called in every process that
    prints: a launcher's too.
    """
    codecs.register_error("idc.plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="idc.plain")


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    return "".join(PLAIN.get(character, "?") for character in lacking), error.end


@contextmanager
def reporting_errors() -> Iterator[None]:
    """Print what went wrong, a user's error in its own words, and exit with 1.

    Raises:
        SystemExit: Something failed.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, IdcError):
            print(f"error: {error}", file=sys.stderr)
        else:
            logging.getLogger(__name__).exception("unexpected error")
        raise SystemExit(1) from None


def print_to_pipe(text: str) -> None:
    """Print a text of which a pipe may take the first lines only, as ``| head`` does."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # What is left is flushed once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
