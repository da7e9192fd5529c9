"""Text that people write: lists and tables, from whatever editor or spreadsheet."""

import codecs
import csv
import io
import os
from collections.abc import Callable
from pathlib import Path

from idc.errors import ConfigError, DataError, first_line

Header = list[str]
Line = tuple[int, list[str]]  # its number in the file, from 1, and its values
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


def read_csv_lines(
    file: str | os.PathLike[str],
    place: str,
    what: str,
    give: str,
    check_header: Callable[[Path, Header], object],
) -> tuple[Path, Header, list[Line]]:
    """Read a file whose lines have one value per column.

    Args:
        file: The file; ``~`` is the home folder.
        place: The setting that names it, for messages.
        what: What it holds, for messages.
        give: What to give instead if it is not there.
        check_header: Looks at the columns before the lines are, and may raise.

    Returns:
        The file's path, its columns, and its other lines, empty ones left out.

    Raises:
        ConfigError: It cannot be read.
        DataError: It is no text, or no CSV text, or a line is too long or too short.
    """
    path, text = read_text(file, place, give)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        lines = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise DataError(
            f"{what}: {path} is no CSV text ({first_line(error)}). Save it as one."
        ) from error
    header = [name.strip() for name in lines[0][1]] if lines else []
    check_header(path, header)
    for line, row in lines[1:]:
        if len(row) != len(header):
            raise DataError(
                f"{what}: {path}, line {line}: {len(row)} values for {len(header)} columns. Give "
                f"one a column, and quote a value that holds a comma."
            )
    return path, header, lines[1:]
