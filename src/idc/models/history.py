"""Learning curves as a table that is stored in the checkpoint, independent of MLflow."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

COLUMNS = ("epoch", "stage", "metric", "value")


class History:
    """Metrics of every epoch, of training and validation."""

    def __init__(self) -> None:
        self._values: dict[tuple[int, str, str], float] = {}

    def add(self, epoch: int, values: Mapping[str, Any]) -> None:
        """Keep values of an epoch, from 0, named ``<stage>/<metric>``; a repeat replaces them."""
        for name, value in values.items():
            stage, _, metric = name.partition("/")
            self._values[epoch, stage, metric] = float(value)

    def table(self) -> pd.DataFrame:
        """Long form: ``epoch`` (from 1), ``stage`` (train or val), ``metric`` (str), ``value``."""
        rows = [(e + 1, *key, value) for (e, *key), value in self._values.items()]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def epoch(self, number: int) -> dict[str, float]:
        """The values of an epoch, from 0, by name, such as ``val/f1``; empty if there are none."""
        of_epoch = ((key, value) for key, value in self._values.items() if key[0] == number)
        return {f"{stage}/{metric}": value for (_, stage, metric), value in of_epoch}

    def state(self) -> list[list[Any]]:
        """The values as plain containers, for a checkpoint."""
        return [[*key, value] for key, value in self._values.items()]

    def restore(self, state: Sequence[Sequence[Any]]) -> None:
        """Replace the values by those of a checkpoint."""
        self._values = {(int(e), str(s), str(m)): float(v) for e, s, m, v in state}
