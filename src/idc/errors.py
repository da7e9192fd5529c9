"""Errors that a user can fix: each message names the file, the field and what to do."""

import re

LINE_LIMIT = 300
# Libraries advise switching safeguards off when a file cannot be read; we do not repeat that.
UNSAFE = re.compile(r"weights_only|allow_pickle|pickle\.load|unsafe|trust", re.IGNORECASE)
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z(`'\"])")


def first_line(error: BaseException) -> str:
    """Message of a library's error in one line of about 300 characters; else its type's name.

    A line that introduces others (it ends with a colon) is joined with the next ones. A long
    message is cut after a sentence or, marked by an ellipsis, after a word. Advice to read a file
    with its safeguards off is left out.
    """
    text = ""
    for line in (line.strip() for line in str(error).splitlines()):
        text = f"{text} {line}".strip()
        if text and not text.endswith((":", ",")):
            break
    sentences = [s for s in SENTENCE_END.split(text) if s and not UNSAFE.search(s)]
    if not sentences:
        return type(error).__name__
    kept = sentences[0]
    for sentence in sentences[1:]:
        if len(kept) + len(sentence) >= LINE_LIMIT:
            break
        kept = f"{kept} {sentence}"
    if len(kept) <= LINE_LIMIT:
        return kept
    return kept[: LINE_LIMIT - 2].rsplit(" ", 1)[0] + " …"


class IdcError(Exception):
    """Base class of errors whose message is for the user; apps print it without a traceback."""


class ConfigError(IdcError):
    """A value in the configuration, or a combination of values, is invalid."""


class DataError(IdcError):
    """The data set is missing, empty or broken, or does not fit the experiment."""


class CheckpointError(IdcError):
    """A weights file or checkpoint is unreadable, not trusted or does not fit the model."""


class MissingArtifactError(CheckpointError):
    """A run has no artifact of the requested name."""


class TrackingError(IdcError):
    """The MLflow store, or a run's output folder, cannot be used."""


class TrainingError(IdcError):
    """Training failed in a way that further epochs cannot fix, such as a loss of NaN."""


class BusyError(IdcError):
    """Another process is using the same run."""
