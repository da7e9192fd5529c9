"""The lines of a small CSV file that a person may have written."""

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path

from idc.data.text_file import read_text
from idc.errors import DataError, first_line

Header = list[str]
Line = tuple[int, list[str]]  # its number in the file, from 1, and its values


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
