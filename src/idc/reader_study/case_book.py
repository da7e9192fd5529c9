"""The cases of a run's review, in their order."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from idc.attribution.methods import Attributions
from idc.attribution.pipeline.explained_model import Subject
from idc.attribution.select import Selection, choose_cases
from idc.errors import ConfigError
from idc.plots.mosaic import paste
from idc.reader_study.case import AROUND, Case, CaseBook, Image
from idc.reader_study.suspects import model_suspects

BELOW = 1e-9
UNMEASURED = "its faithfulness was not measured for this run"


def run_book(
    subject: Subject,
    table: pd.DataFrame,
    maps: Mapping[str, Attributions],
    notes: Mapping[str, str],
    run_name: str,
    pixel_size: float | None = None,
) -> CaseBook:
    """The cases of a run: the rows of `table`, in the order of review.

    `maps` and `notes` are by method, the best first, with one map per row of the table;
    `pixel_size` is the side of a slide pixel in micrometres.
    """
    places = {path: place for place, path in enumerate(table["path"])}
    return CaseBook(
        run_name,
        [_case(row) for row in table.to_dict("records")],
        subject.class_names,
        subject.threshold,
        {name: of_method.source for name, of_method in maps.items()},
        notes,
        patch=lambda case: np.asarray(subject.patches[case.row]),
        surroundings=lambda case: _surroundings(subject, case),
        attribution=lambda case, method: np.asarray(maps[method].maps[places[case.path]]),
        patch_um=None if pixel_size is None else pixel_size * subject.patch_size,
    )


def caveats(
    maps: Mapping[str, Attributions], marks: Mapping[str, str], measured: Sequence[str]
) -> dict[str, str]:
    """Caveats of methods, for those that have one: mistrust (`marks`), or no measurement."""
    parts = {
        name: (marks.get(name, "") if name in measured else UNMEASURED, of_method.note)
        for name, of_method in maps.items()
    }
    return {name: "; ".join(filter(None, two)) for name, two in parts.items() if any(two)}


def order_cases(
    pool: pd.DataFrame, order: str, count: int | None, seed: int, classes: int,
    threshold: float | None,
) -> pd.DataFrame:  # fmt: skip
    """Choose the predictions to review, `count` at most or all, and their order.

    ``random``; ``uncertainty``, those nearest to the threshold first (for more than two classes,
    those with the lowest probability of the predicted one); ``suspects``, those whose label the
    model contradicts most, see `idc.reader_study.suspects.model_suspects`.

    Raises:
        ConfigError: There is no suspect.
    """
    if order == "uncertainty":
        score = pool["score"].to_numpy(np.float64)
        unsure = 1 - score
        if threshold is not None:
            above, below = (1 - score) / max(1 - threshold, BELOW), score / max(threshold, BELOW)
            unsure = np.clip(np.where(score >= threshold, above, below), 0, 1)
        return pool.iloc[np.argsort(-unsure, kind="stable")[:count]]
    if order == "suspects":
        suspects = model_suspects(pool, classes)["path"].tolist()[:count]
        if not suspects:
            raise ConfigError("order=suspects: the model contradicts no label. Set another order.")
        return pool.set_index("path", drop=False).loc[suspects].reset_index(drop=True)
    chosen = choose_cases(pool, Selection("random"), 0, count, seed, classes).drop(columns="kind")
    return chosen.iloc[np.random.default_rng((seed, 1)).permutation(len(chosen))]


def _case(row: Mapping[Any, Any]) -> Case:
    x, y = (int(row[name]) if name in row else None for name in ("x", "y"))
    label, predicted, place = (int(row[name]) for name in ("label", "predicted", "row"))
    score = float(row["score"])
    return Case(str(row["path"]), str(row["patient"]), x, y, label, score, predicted, place)


def _surroundings(subject: Subject, case: Case) -> Image | None:
    """The patches around a case, of any split."""
    if case.x is None or case.y is None:
        return None
    index, size, side = subject.index, subject.patch_size, subject.patches.shape[1]
    away = index[["x", "y"]].to_numpy() - (case.x, case.y)
    near = (index["patient"] == case.patient) & (index["split"] != "")
    rows = np.flatnonzero(near.to_numpy() & (np.abs(away).max(axis=1) <= AROUND * size))
    corners = AROUND * side + np.rint(away[rows] * side / size).astype(np.int64)
    return paste(np.asarray(subject.patches[rows]), corners, (2 * AROUND + 1) * side)
