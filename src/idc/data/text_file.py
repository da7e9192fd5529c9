"""Text that people write: lists and tables, from whatever editor or spreadsheet."""

import codecs
import os
from pathlib import Path

from idc.errors import ConfigError, DataError, first_line

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # as spreadsheets write "Unicode text"


def read_text(file: str | os.PathLike[str], place: str, give: str) -> tuple[Path, str]:
    """Read a text file in UTF-8, or in UTF-16 with its mark; a byte order mark is no text.

    Args:
        file: The file; ``~`` is the home folder.
        place: The setting that names it, for messages.
        give: What to give instead, for messages.

    Returns:
        The file's path and its text, line ends as they are.

    Raises:
        ConfigError: There is no such file, or it cannot be read.
        DataError: It is no text.
    """
    path = Path(file).expanduser()
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise ConfigError(f"{place}={file}: it cannot be read (no ordinary file). {give}")
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{place}={file}: it cannot be read ({error.strerror}). {give}"
        ) from error
    try:
        return path, data.decode("utf-16" if data.startswith(UTF_16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{place}: {path} is no text in UTF-8 ({first_line(error)}). Save it as such."
        ) from error
