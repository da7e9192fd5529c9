"""Tables that a run left are whole, or refused by their path."""

from pathlib import Path

import pandas as pd
import pytest

from idc.data.tables import read_table
from idc.errors import CheckpointError

TABLE = pd.DataFrame({"path": ["a", "b"], "score": [0.25, 0.5]})


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_was_written_is_read(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"t{suffix}"
    TABLE.to_csv(file, index=False) if suffix == ".csv" else TABLE.to_parquet(file)
    pd.testing.assert_frame_equal(read_table(file, "path", "score"), TABLE)
    with pytest.raises(CheckpointError, match="lacks label, split"):
        read_table(file, "path", "label", "split")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_cannot_be_read_is_named(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"t{suffix}"
    with pytest.raises(CheckpointError, match=f"{file.name} is damaged"):
        read_table(file)
    file.write_bytes(b"")
    with pytest.raises(CheckpointError, match=f"{file.name} is damaged"):
        read_table(file)
