"""Attributions of chosen patches, and the regions of evidence in them: figures, arrays, GeoJSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.attribution.methods import Attributions
from idc.attribution.pipeline.step import StepResult, Task, pages
from idc.attribution.run import explain
from idc.attribution.select import case_words, choose_cases, kind_words
from idc.data.index import position_words
from idc.plots.attribution import AttributionCase, attribution_figure
from idc.plots.region_outlines import RegionCase, regions_figure
from idc.runtime.atomic import replacing
from idc.runtime.drawing import Drawing
from idc.runtime.progress import progress_bar
from idc.slides.evidence_regions import find_regions
from idc.slides.geojson import evidence_features, write_geojson

SMALL = 100  # maps below which no progress bar is shown
Maps = Mapping[str, Attributions]
FOLDER = "evidence"


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
        batch, device = options["batch_size"], subject.device
        maps = explain(subject.network, pixels, targets, task.methods, batch, device, advance)
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


def evidence_drawings(
    task: Task, table: pd.DataFrame, pixels: NDArray[np.uint8], maps: Mapping[str, Attributions]
) -> Iterator[Drawing]:
    """Find the evidence for each positive call of two classes, with one GeoJSON per patient.

    Args:
        task: The explanation.
        table: The explained patches, with ``kind``.
        pixels: uint8 (n, P, P, 3), row for row with it.
        maps: Method to attributions, likewise.
    """
    options, subject = task.node("regions"), task.subject
    called = np.flatnonzero(table["predicted"].to_numpy() == 1)
    if subject.classes != 2 or not len(called):
        return
    method = str(options.pop("method") or task.trust.first(maps))
    pixel_size = options.pop("pixel_size")
    regions_of = find_regions(maps[method].maps[called], **options)
    cases, names = table.iloc[called].reset_index(drop=True), subject.class_names
    positive, caveat = str(names[1]), task.trust.caveat(method)
    scale = subject.patch_size / pixels.shape[1]
    patients = cases.groupby("patient").indices if subject.has_positions else {}
    for patient, rows in patients.items():
        regions, words = [regions_of[row] for row in rows], {"method": method, "caveat": caveat}
        features = evidence_features(
            cases.iloc[rows], regions, positive, scale, pixel_size, **words
        )
        folder = task.folder / FOLDER
        folder.mkdir(exist_ok=True)
        write_geojson(folder / f"{patient}.geojson", features)
    note = f"Method: {method}, {maps[method].source}"
    note += f" ({caveat.upper()})" if caveat else ""
    for page, rows, of in pages(np.arange(len(called))):
        shown = [
            RegionCase(
                pixels[called[row]],
                [(region.share, region.contours) for region in regions_of[row]],
                _header(cases.loc[row], names),
            )
            for row in rows
        ]
        title = f"Where the evidence for {positive} lies, in patches called {positive}{of}"
        path = task.folder / (f"evidence_{page + 1}.png" if page else "evidence.png")
        yield Drawing(path, regions_figure, {"cases": shown, "title": title, "note": note})


def _header(case: "pd.Series[Any]", class_names: Sequence[str]) -> str:
    words = kind_words(str(case["kind"]), class_names)
    place = position_words(case.to_dict())
    return f"{words}, score {case['score']:.2f}\n{case['patient']}  {place}"
