"""Attributions of chosen patches: computed, drawn page by page, and stored as arrays."""

from collections.abc import Iterator, Mapping
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
Maps = Mapping[str, Attributions]


def show_cases(task: Task) -> StepResult:
    """Explain the chosen patches by each method.

    Writes ``cases.parquet``, their predictions with ``kind`` and ``target``, and row for row with
    it ``attributions.npz``: ``patches`` and, by their methods' names, float32 (n, P, P).
    """
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
    with replacing(task.folder / "cases.parquet") as path:
        table.to_parquet(path, index=False)
    arrays: dict[str, Any] = {name: each.maps for name, each in maps.items()}
    np.savez_compressed(task.folder / "attributions.npz", patches=pixels, **arrays)
    gallery = _gallery(task, table, pixels, maps)
    return StepResult([*gallery, *evidence_drawings(task, table, pixels, maps)])


def _gallery(
    task: Task, table: pd.DataFrame, pixels: NDArray[np.uint8], maps: Maps
) -> Iterator[Drawing]:
    """One page per kind, or several where there are many cases: ``FN.png``, ``FN_2.png``."""
    cases = [
        _case(task, case, pixels[i], i, maps) for i, case in enumerate(table.to_dict("records"))
    ]
    kinds = table["kind"].to_numpy(object)
    for kind in dict.fromkeys(kinds):
        words = kind_words(kind, task.subject.class_names)
        for page, rows, of in pages(np.flatnonzero(kinds == kind)):
            arguments = {
                "cases": [cases[row] for row in rows],
                "methods": list(maps),
                "title": f"{words[:1].upper()}{words[1:]}: {task.subject.evidence}{of}",
                "note": task.subject.explained,
            }
            name = kind.replace(" ", "_") + (f"_{page + 1}" if page else "")
            yield Drawing(task.folder / f"{name}.png", attribution_figure, arguments)


def _case(
    task: Task, case: Mapping[Any, Any], patch: NDArray[np.uint8], row: int, maps: Maps
) -> AttributionCase:
    trust, sizes = task.trust, {}
    header = case_words(case, task.subject.class_names)
    if case["split"] not in ("test", "val"):
        header += "\nIN TRAINING"
    for name, each in maps.items():
        # Failed methods are marked; that a method was not measured is a note like others.
        unmeasured = "" if name in trust.marks else trust.caveat(name)
        sizes[name] = "; ".join(part for part in (each.source, each.note, unmeasured) if part)
    values = {name: each.maps[row] for name, each in maps.items()}
    return AttributionCase(patch, values, header, sizes, dict(trust.marks))
