"""Regions of evidence in patches called positive: as figures, and as GeoJSON for QuPath."""

from collections.abc import Iterator, Sequence

import numpy as np

from idc.attribution.pipeline.galleries import PER_PAGE, Cases
from idc.attribution.pipeline.step import Task, Trust
from idc.attribution.select import kind_words
from idc.data.index import position_words
from idc.plots.region_outlines import RegionCase, regions_figure
from idc.runtime.drawing import Drawing
from idc.slides.evidence_regions import Region, find_regions
from idc.slides.geojson import evidence_features, write_geojson

FOLDER = "evidence"


def evidence_drawings(task: Task, cases: Cases, trust: Trust) -> Iterator[Drawing]:
    """Find the evidence for each positive call, and write it as GeoJSON, one file per patient.

    Args:
        task: The explanation; two classes only.
        cases: The explained patches.
        trust: Gives the best method, and its caveat.
    """
    options, subject = task.node("regions"), task.subject
    called = np.flatnonzero(cases.table["predicted"].to_numpy() == 1)
    if not options or subject.classes != 2 or not len(called):
        return
    method = str(options.pop("method") or trust.first(cases.maps))
    pixel_size = options.pop("pixel_size")
    regions_of = find_regions(cases.maps[method].maps[called], **options)
    table = cases.table.iloc[called].reset_index(drop=True)
    positive = str(subject.class_names[1])
    scale = subject.patch_size / cases.pixels.shape[1]
    patients = table.groupby("patient").indices if subject.has_positions else {}
    for patient, rows in patients.items():
        regions = [regions_of[row] for row in rows]
        part = table.iloc[rows]
        how = {"method": method, "caveat": trust.caveat(method)}
        features = evidence_features(part, regions, positive, scale, pixel_size, **how)
        folder = task.folder / FOLDER
        folder.mkdir(exist_ok=True)
        write_geojson(folder / f"{patient}.geojson", features)
    note = f"Method: {method}, {cases.maps[method].source}"
    if caveat := trust.caveat(method):
        note += f" ({caveat.upper()})"
    pages = -(-len(called) // PER_PAGE)
    for page in range(pages):
        part_rows = range(page * PER_PAGE, min((page + 1) * PER_PAGE, len(called)))
        shown = [
            _case(cases, int(called[i]), regions_of[i], subject.class_names) for i in part_rows
        ]
        of = f", page {page + 1} of {pages}" if pages > 1 else ""
        title = f"Evidence for the calls of {positive}{of}"
        path = task.folder / (f"evidence_{page + 1}.png" if page else "evidence.png")
        yield Drawing(path, regions_figure, {"cases": shown, "title": title, "note": note})


def _case(
    cases: Cases, row: int, regions: Sequence[Region], class_names: Sequence[str]
) -> RegionCase:
    case = cases.table.iloc[row].to_dict()
    words = kind_words(str(case["kind"]), class_names)
    header = f"{words}, score {case['score']:.2f}\n{case['patient']}  {position_words(case)}"
    return RegionCase(cases.pixels[row], regions, header)
