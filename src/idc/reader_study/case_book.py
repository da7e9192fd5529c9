"""The cases of a run's review, with their images and attribution maps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.attribution.methods import Attributions
from idc.attribution.pipeline.explained_model import Subject
from idc.attribution.select import Selection, choose_cases
from idc.errors import ConfigError
from idc.plots.mosaic import EMPTY, shrink
from idc.reader_study.case import Case, Frame
from idc.reader_study.suspects import model_suspects

ORDERS = ("random", "uncertainty", "suspects")
AROUND = 3  # patches shown on each side of the case
BELOW = 1e-9
UNMEASURED = "its faithfulness was not measured for this run"


@dataclass(frozen=True)
class RunBook:
    """A run's cases; see `idc.reader_study.case.CaseBook`.

    Attributes:
        subject: The network and its patches.
        table: The predictions of the cases, in the order of review.
        maps: Method to maps, one per row of the table; the best method first.
        notes: Method to a caveat, for methods that have one.
        run_name: The run's name.
    """

    subject: Subject
    table: pd.DataFrame
    maps: Mapping[str, Attributions]
    notes: Mapping[str, str]
    run_name: str

    @property
    def class_names(self) -> Sequence[str]:
        """See `CaseBook.class_names`."""
        return self.subject.class_names

    @property
    def threshold(self) -> float | None:
        """See `CaseBook.threshold`."""
        return self.subject.threshold

    @property
    def methods(self) -> Sequence[str]:
        """See `CaseBook.methods`."""
        return list(self.maps)

    @property
    def sources(self) -> Mapping[str, str]:
        """See `CaseBook.sources`."""
        return {name: maps.source for name, maps in self.maps.items()}

    @cached_property
    def cases(self) -> Sequence[Case]:
        """See `CaseBook.cases`."""
        return [
            Case(
                str(row["path"]),
                str(row["patient"]),
                int(row["x"]) if "x" in row else None,
                int(row["y"]) if "y" in row else None,
                int(row["label"]),
                float(row["score"]),
                int(row["predicted"]),
                int(row["row"]),
                float(row["uncertainty"]),
            )
            for row in self.table.to_dict("records")
        ]

    @cached_property
    def _place(self) -> Mapping[str, int]:
        return {path: place for place, path in enumerate(self.table["path"])}

    def patch(self, case: Case) -> NDArray[np.uint8]:
        """See `CaseBook.patch`."""
        return np.asarray(self.subject.patches[case.row])

    def surroundings(self, case: Case) -> tuple[NDArray[np.uint8], Frame] | None:
        """The patches around the case, of any split; see `CaseBook.surroundings`."""
        if case.x is None or case.y is None:
            return None
        index, size = self.subject.index, self.subject.patch_size
        side = self.subject.patches.shape[1]
        near = (index["patient"] == case.patient) & (index["split"] != "")
        for name, at in (("x", case.x), ("y", case.y)):
            near &= (index[name] - at).abs() <= AROUND * size
        rows = np.flatnonzero(near.to_numpy())
        wide = (2 * AROUND + 1) * side
        canvas = np.full((wide, wide, 3), EMPTY, np.uint8)
        tiles = shrink(np.asarray(self.subject.patches[rows]), side)
        lefts, tops = (
            AROUND * side + np.rint((index[name].to_numpy()[rows] - at) * side / size).astype(int)
            for name, at in (("x", case.x), ("y", case.y))
        )
        for left, top, tile in zip(lefts, tops, tiles, strict=True):
            canvas[top : top + side, left : left + side] = tile
        return canvas, (AROUND * side, AROUND * side, side)

    def attribution(self, case: Case, method: str) -> NDArray[np.float32]:
        """See `CaseBook.attribution`."""
        return np.asarray(self.maps[method].maps[self._place[case.path]])


def caveats(
    maps: Mapping[str, Attributions], marks: Mapping[str, str], measured: Sequence[str]
) -> dict[str, str]:
    """Caveats of methods, for those that have one.

    Args:
        maps: Method to maps.
        marks: Method to the reason why its maps should not be trusted.
        measured: The methods whose faithfulness was measured for the run.
    """
    parts = {
        name: (marks.get(name, "") if name in measured else UNMEASURED, of_method.note)
        for name, of_method in maps.items()
    }
    return {name: "; ".join(filter(None, two)) for name, two in parts.items() if any(two)}


def order_cases(
    pool: pd.DataFrame, order: str, count: int | None, seed: int, classes: int,
    threshold: float | None,
) -> pd.DataFrame:  # fmt: skip
    """Choose the predictions to review, and their order.

    Args:
        pool: Decided predictions to choose from.
        order: ``random``; ``uncertainty``, those nearest to the threshold first (for more than two
            classes, those with the lowest probability of the predicted one); ``suspects``, those
            whose label the model contradicts most, see `idc.reader_study.suspects.model_suspects`.
        count: Maximum number of cases; None for all.
        seed: Seed of the random order.
        classes: k.
        threshold: The threshold, for two classes.

    Returns:
        The rows with ``uncertainty`` in [0, 1], 1 at the threshold.

    Raises:
        ConfigError: The order is unknown, or there is no suspect.
    """
    if order not in ORDERS:
        raise ConfigError(f"order={order}: choose {', '.join(ORDERS)}.")
    score = pool["score"].to_numpy(np.float64)
    unsure = 1 - score
    if threshold is not None:
        above, below = (1 - score) / max(1 - threshold, BELOW), score / max(threshold, BELOW)
        unsure = np.where(score >= threshold, above, below)
    pool = pool.assign(uncertainty=np.clip(unsure, 0, 1))
    if order == "uncertainty":
        return pool.sort_values("uncertainty", ascending=False, kind="stable").head(
            len(pool) if count is None else count
        )
    if order == "suspects":
        suspects = model_suspects(pool, classes)["path"].tolist()[:count]
        if not suspects:
            raise ConfigError("order=suspects: the model contradicts no label. Set another order.")
        return pool.set_index("path", drop=False).loc[suspects].reset_index(drop=True)
    chosen = choose_cases(pool, Selection("random"), 0, count, seed, classes).drop(columns="kind")
    shuffled = np.random.default_rng((seed, 1)).permutation(len(chosen))
    return chosen.iloc[shuffled].reset_index(drop=True)
