"""The errors that a user can mend: one message each, naming the file, the field and what to do."""

LINE_LIMIT = 300


def first_line(error: BaseException) -> str:
    """What a foreign error says, in one line of at most 300 characters; else its type's name."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:LINE_LIMIT]


class IdcError(Exception):
    """Base of every error whose message is for the user; apps print it without a traceback."""


class ConfigError(IdcError):
    """A value, or a combination of values, in the configuration cannot work."""


class DataError(IdcError):
    """The data set is missing, empty, broken or does not fit the experiment."""


class CheckpointError(IdcError):
    """A weights file or checkpoint cannot be read, cannot be trusted or does not fit the model."""


class TrackingError(IdcError):
    """The MLflow store, or the folder that a run writes to, cannot be used."""


class TrainingError(IdcError):
    """Training went wrong in a way that no further epoch mends (a loss that is not a number)."""
