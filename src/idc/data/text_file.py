"""Text that people write: lists and tables, from whatever editor or spreadsheet."""

import codecs
import csv
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from idc.errors import ConfigError, DataError, first_line

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # as spreadsheets write "Unicode text"


def read_text(file: str | os.PathLike[str], place: str, give: str) -> tuple[Path, str]:
    """The path and text of a file in UTF-8, or in UTF-16 with its mark; see `read_csv_lines`."""
    path = Path(file).expanduser()
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise OSError(0, "no ordinary file")
        data = path.read_bytes()
    except OSError as error:
        why = f"{place}={file}: it cannot be read ({error.strerror})"
        raise ConfigError(f"{why}. {give}") from error
    try:
        return path, data.decode("utf-16" if data.startswith(UTF_16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        why = f"{place}: {path} is no text in UTF-8 ({first_line(error)})"
        raise DataError(f"{why}. Save it as such.") from error


@dataclass(frozen=True)
class Lines:
    """The lines of a table that a person may have written.

    Attributes:
        place: The setting that names it, for messages.
        path: The file.
        table: One row per line, with the values as text, on the numbers of the lines, from 1.
        unit: What a number counts, for messages.
    """

    place: str
    path: Path
    table: pd.DataFrame
    unit: str = "line"

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return self.table.columns.tolist()

    def refuse(self, wrong: Any, column: str, problem: str) -> None:
        """Refuse the first of the wrong lines.

        Args:
            wrong: Which lines are, bool (n,).
            column: The file's column that is wrong.
            problem: What is wrong; ``{name}`` is the line's value in a column of `table`.

        Raises:
            DataError: A line is wrong. It is named, with the number of all such lines.
        """
        lines = self.table[np.asarray(wrong, bool)]
        for number, row in lines.head(1).iterrows():
            more = f" ({len(lines):,} such {self.unit}s)" if len(lines) > 1 else ""
            raise DataError(
                f"{self.place}: {self.path}, {self.unit} {number}, column {column}: "
                f"{problem.format(**row)}{more}."
            )


def read_csv_lines(
    file: str | os.PathLike[str],
    setting: str,
    place: str,
    give: str,
    check_header: Callable[[Path, list[str]], object],
) -> Lines:
    """Read a file whose lines have one value per column; empty lines are left out.

    Args:
        file: The file; ``~`` is the home folder.
        setting: The setting that names it, for messages.
        place: What messages begin with.
        give: What to give instead if it is not there.
        check_header: Looks at the columns before the lines are, and may raise.

    Raises:
        ConfigError: It cannot be read.
        DataError: It is no text, or no CSV text, or a line is too long or too short.
    """
    path, text = read_text(file, setting, give)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        lines = {reader.line_num: row for row in reader if row}  # noqa: B035 (it counts)
    except csv.Error as error:
        raise DataError(
            f"{place}: {path} is no CSV text ({first_line(error)}). Save it as one."
        ) from error
    header = [name.strip() for name in lines.pop(next(iter(lines)))] if lines else []
    check_header(path, header)
    for line, row in lines.items():
        if len(row) != len(header):
            raise DataError(
                f"{place}: {path}, line {line}: {len(row)} values for {len(header)} columns. Give "
                f"one per column, and quote a value that holds a comma."
            )
    table = pd.DataFrame(list(lines.values()), list(lines), header, dtype=object)
    return Lines(place, path, table)
