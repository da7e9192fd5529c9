"""The largest values of many units in a stream, with a limit per patient."""

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

Best = tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]


class Tops:
    """Keeps, for each unit, the patches with the largest values, few of each patient.

    Taking greedily the best within both limits is best for the whole stream as well: the sets
    within the limits form a matroid, so what a batch has lost no later patch can bring back.

    Args:
        units: Number of units, U.
        per_unit: Patches kept per unit, k.
        size: Rows and columns of a map.
        codes: Patient of each row of the index, int (N,), or None for no limit.
        per_patient: Patches of one patient kept per unit.
    """

    def __init__(
        self,
        units: int,
        per_unit: int,
        size: tuple[int, int],
        codes: NDArray[np.int64] | None,
        per_patient: int,
    ) -> None:
        self.per_unit, self.per_patient, self.codes = per_unit, per_patient, codes
        self.values = np.full((units, per_unit), -np.inf, np.float32)
        self.rows = np.full((units, per_unit), -1, np.int64)
        self.maps = np.zeros((units, per_unit, *size), np.float32)

    def add(self, values: NDArray[np.float32], rows: NDArray[np.int64], maps: Tensor) -> None:
        """Add a batch: values (n, U), rows int64 (n,), maps float (n, U, h, w)."""
        sample, unit = self._candidates(values, rows)
        touched = np.unique(unit)
        if not len(touched):
            return
        slot_unit, slot = np.nonzero(self.rows[touched] >= 0)
        slot_unit = touched[slot_unit]
        # Kept ones have no place in the batch (-1), new ones none among the kept.
        table = pd.DataFrame(
            {
                "unit": np.concatenate([slot_unit, unit]),
                "value": np.concatenate([self.values[slot_unit, slot], values[sample, unit]]),
                "row": np.concatenate([self.rows[slot_unit, slot], rows[sample]]),
                "slot": np.concatenate([slot, np.full(len(unit), -1)]),
                "sample": np.concatenate([np.full(len(slot), -1), sample]),
            }
        ).sort_values(["unit", "value", "row"], ascending=[True, False, True])
        if self.codes is not None:
            patient = self.codes[table["row"].to_numpy()]
            table = table[table.groupby(["unit", patient]).cumcount() < self.per_patient]
        table = table.assign(place=table.groupby("unit").cumcount())
        self._store(touched, table[table["place"] < self.per_unit], maps)

    def best(self, unit: int) -> Best:
        """Rows, values and maps of a unit, the largest first."""
        there = self.rows[unit] >= 0
        return self.rows[unit][there], self.values[unit][there], self.maps[unit][there]

    def _candidates(
        self, values: NDArray[np.float32], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Place in the batch and unit of the values that may belong to the best."""
        worst, row = self.values[:, -1], self.rows[:, -1]
        sample, unit = np.nonzero(
            (values > worst) | ((values == worst) & ((rows[:, None] < row) | (row < 0)))
        )
        return sample, unit

    def _store(self, touched: NDArray[np.int64], kept: pd.DataFrame, maps: Tensor) -> None:
        unit, place, slot, sample = (
            kept[name].to_numpy(np.int64) for name in ("unit", "place", "slot", "sample")
        )
        old = slot >= 0
        moved = self.maps[unit[old], slot[old]]
        self.values[touched], self.rows[touched] = -np.inf, -1
        self.values[unit, place] = kept["value"].to_numpy(np.float32)
        self.rows[unit, place] = kept["row"].to_numpy(np.int64)
        self.maps[unit[old], place[old]] = moved
        at = [torch.as_tensor(i[~old], device=maps.device) for i in (sample, unit)]
        self.maps[unit[~old], place[~old]] = maps[at[0], at[1]].float().cpu().numpy()
