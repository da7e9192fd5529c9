"""What a command prints: characters that the terminal has, and errors in one sentence."""

import codecs
import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from idc.errors import IdcError
from idc.runtime.redaction import hide_secrets

# About the libraries' own insides, with nothing for a user to do.
KNOWN_WARNINGS = (
    r".*isinstance\(treespec, LeafSpec\)",  # Lightning 2.6 with torch >= 2.12
    r".*does not have many workers",  # decoded patches need none
    r".*Checkpoint directory .* exists and is not empty",  # a resumed run's own
    r".*module\(s\) in eval mode at the start of training",  # frozen stages, as asked for
    r".*loader strategy is deprecated",  # MLflow with SQLAlchemy 2.1
)
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


def quiet() -> None:
    """Warnings go to the log; what the libraries say on every start is not worth a line."""
    make_printable()
    hide_secrets()  # a cluster's job does not begin with the app
    logging.captureWarnings(True)
    for name in ("pytorch_lightning", "lightning_fabric", "lightning", "mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in KNOWN_WARNINGS:
        warnings.filterwarnings("ignore", message=message)


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
