"""Tables that a run left, read again."""

from pathlib import Path

import pandas as pd

from idc.errors import CheckpointError, first_line


def read_table(path: Path, *columns: str) -> pd.DataFrame:
    """Read a CSV or Parquet file.

    Args:
        path: The file.
        columns: Names that it must have.

    Raises:
        CheckpointError: It is damaged, or lacks a column.
    """
    try:
        table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} is damaged ({first_line(error)}).") from error
    if lacking := [name for name in columns if name not in table]:
        raise CheckpointError(f"{path} is no such table of a run: it lacks {', '.join(lacking)}.")
    return table
