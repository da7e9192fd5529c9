"""The errors that a user can mend: one message each, naming the file, the field and what to do."""

import re

LINE_LIMIT = 300
# Libraries advise to read a file with its safeguards off: no advice of ours.
UNSAFE = re.compile(r"weights_only|allow_pickle|pickle\.load|unsafe|trust", re.IGNORECASE)
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z(`'\"])")


def first_line(error: BaseException) -> str:
    """What a foreign error says, in one line of some 300 characters; else its type's name.

    A line that introduces others (it ends with a colon) takes the next ones with it, a long one
    ends with a sentence or, marked by an ellipsis, with a word, and advice to read a file with its
    safeguards off is left out.
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
    """Base of every error whose message is for the user; apps print it without a traceback."""


class ConfigError(IdcError):
    """A value, or a combination of values, in the configuration cannot work."""


class DataError(IdcError):
    """The data set is missing, empty, broken or does not fit the experiment."""


class CheckpointError(IdcError):
    """A weights file or checkpoint cannot be read, cannot be trusted or does not fit the model."""


class NotHeldError(CheckpointError):
    """A run does not hold a file, which is no fault of those that it holds."""


class TrackingError(IdcError):
    """The MLflow store, or the folder that a run writes to, cannot be used."""


class TrainingError(IdcError):
    """Training went wrong in a way that no further epoch mends (a loss that is not a number)."""


class BusyError(IdcError):
    """Another process is at work on the same run."""
