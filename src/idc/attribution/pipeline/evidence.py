"""Regions of evidence in patches called positive: as figures, and as GeoJSON for QuPath."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.attribution.methods import Attributions
from idc.attribution.pipeline.step import Task, pages
from idc.attribution.select import kind_words
from idc.data.index import position_words
from idc.plots.region_outlines import RegionCase, regions_figure
from idc.runtime.drawing import Drawing
from idc.slides.evidence_regions import find_regions
from idc.slides.geojson import evidence_features, write_geojson

FOLDER = "evidence"


def evidence_drawings(
    task: Task, table: pd.DataFrame, pixels: NDArray[np.uint8], maps: Mapping[str, Attributions]
) -> Iterator[Drawing]:
    """Find the evidence for each positive call, and write it as GeoJSON, one file per patient.

    Args:
        task: The explanation; two classes only.
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
        features = evidence_features(
            cases.iloc[rows],
            [regions_of[row] for row in rows],
            positive,
            scale,
            pixel_size,
            method=method,
            caveat=caveat,
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
