"""Attributions of chosen patches: computed, drawn page by page, and stored as arrays."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.attribution.methods import Attributions
from idc.attribution.pipeline.evidence import evidence_drawings
from idc.attribution.pipeline.step import StepResult, Task, pages
from idc.attribution.run import explain
from idc.attribution.select import case_words, choose_cases, kind_words
from idc.plots.attribution import AttributionCase, attribution_figure
from idc.runtime.atomic import replacing
from idc.runtime.drawing import Drawing
from idc.runtime.progress import progress_bar

SMALL = 100  # maps below which no progress bar is shown


@dataclass(frozen=True)
class Cases:
    """Patches that were explained.

    Attributes:
        table: Their predictions, with ``kind`` and ``target``.
        pixels: uint8 (n, P, P, 3).
        maps: Method to attributions, row for row with the table.
    """

    table: pd.DataFrame
    pixels: NDArray[np.uint8]
    maps: Mapping[str, Attributions]

    def save(self, folder: Path) -> None:
        """Write ``cases.parquet``, and the arrays row for row with it, ``attributions.npz``.

        The latter holds ``patches`` and, by their methods' names, float32 (n, P, P).
        """
        with replacing(folder / "cases.parquet") as path:
            self.table.to_parquet(path, index=False)
        arrays: dict[str, Any] = {name: result.maps for name, result in self.maps.items()}
        np.savez_compressed(folder / "attributions.npz", patches=self.pixels, **arrays)


def show_cases(task: Task) -> StepResult:
    """Explain the chosen patches by each method."""
    subject, options = task.subject, task.options
    per_kind, most, seed = options["per_kind"], options["count"], options["seed"]
    table = choose_cases(task.pool, task.selection, per_kind, most, seed, subject.classes)
    if not task.methods or not len(table):
        return StepResult()
    table = table.assign(target=subject.targets(table))
    pixels, targets = subject.pixels(table), table["target"].to_numpy(np.int64)
    with progress_bar(len(table) * len(task.methods), "attributions", SMALL) as advance:
        maps = explain(
            subject.network,
            pixels,
            targets,
            task.methods,
            options["batch_size"],
            subject.device,
            advance,
        )
    cases = Cases(table, pixels, maps)
    cases.save(task.folder)
    return StepResult([*_gallery(task, cases), *evidence_drawings(task, table, pixels, maps)])


def _gallery(task: Task, cases: Cases) -> Iterator[Drawing]:
    """One page per kind, or several where there are many cases: ``FN.png``, ``FN_2.png``."""
    kinds, names = cases.table["kind"].to_numpy(object), task.subject.class_names
    for kind in dict.fromkeys(kinds):
        words = kind_words(kind, names)
        for page, rows, of in pages(np.flatnonzero(kinds == kind)):
            arguments = {
                "cases": [_case(task, cases, row) for row in rows],
                "methods": list(cases.maps),
                "title": f"{words[:1].upper()}{words[1:]}: {task.subject.evidence}{of}",
                "note": task.subject.explained,
            }
            name = kind.replace(" ", "_") + (f"_{page + 1}" if page else "")
            yield Drawing(task.folder / f"{name}.png", attribution_figure, arguments)


def _case(task: Task, cases: Cases, row: int) -> AttributionCase:
    case, trust = cases.table.iloc[row].to_dict(), task.trust
    header = case_words(case, task.subject.class_names)
    if case["split"] not in ("test", "val"):
        header += "\nIN TRAINING"
    maps = {name: each.maps[row] for name, each in cases.maps.items()}
    sizes = {}
    for name, each in cases.maps.items():
        # Failed methods are marked; that a method was not measured is a note like others.
        unmeasured = "" if name in trust.marks else trust.caveat(name)
        sizes[name] = "; ".join(part for part in (each.source, each.note, unmeasured) if part)
    return AttributionCase(cases.pixels[row], maps, header, sizes, dict(trust.marks))
