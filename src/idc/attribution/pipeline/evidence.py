"""Regions of evidence in the patches that were called positive: on the patch, and for QuPath."""

from collections.abc import Iterator, Sequence

import numpy as np

from idc.attribution.pipeline.galleries import PER_PAGE, Cases
from idc.attribution.pipeline.step import Task, Trust
from idc.attribution.select import KIND_WORDS
from idc.plots.region_outlines import RegionCase, regions_figure
from idc.runtime.drawing import Drawing
from idc.slides.evidence_regions import Region, find_regions
from idc.slides.geojson import evidence_features, write_geojson

FOLDER = "evidence"


def evidence_drawings(task: Task, cases: Cases, trust: Trust) -> Iterator[Drawing]:
    """Find the evidence for each call, and write it as GeoJSON, a file a patient.

    Args:
        task: What is explained; two classes only.
        cases: What was explained.
        trust: Gives the best method, and its caveat.
    """
    asked, subject = task.node("regions"), task.subject
    called = np.flatnonzero(cases.table["predicted"].to_numpy() == 1)
    if not asked or subject.classes != 2 or not len(called):
        return
    method = str(asked.pop("method") or trust.first(cases.maps))
    pixel_size = asked.pop("pixel_size")
    found = find_regions(cases.maps[method].maps[called], **asked)
    table = cases.table.iloc[called].reset_index(drop=True)
    folder = task.folder / FOLDER
    folder.mkdir(exist_ok=True)
    positive = str(subject.class_names[1])
    scale = subject.patch_size / cases.pixels.shape[1]
    for patient, rows in table.groupby("patient").indices.items():
        regions = [found[row] for row in rows]
        part = table.iloc[rows]
        how = {"method": method, "caveat": trust.caveat(method)}
        features = evidence_features(part, regions, positive, scale, pixel_size, **how)
        write_geojson(folder / f"{patient}.geojson", features)
    note = f"Method: {method}, {cases.maps[method].source}"
    if caveat := trust.caveat(method):
        note += f" ({caveat.upper()})"
    pages = -(-len(called) // PER_PAGE)
    for page in range(pages):
        part_rows = range(page * PER_PAGE, min((page + 1) * PER_PAGE, len(called)))
        shown = [_case(cases, int(called[i]), found[i]) for i in part_rows]
        of = f", page {page + 1} of {pages}" if pages > 1 else ""
        title = f"What the calls of {positive} rest on{of}"
        path = task.folder / (f"evidence_{page + 1}.png" if page else "evidence.png")
        yield Drawing(path, regions_figure, {"cases": shown, "title": title, "note": note})


def _case(cases: Cases, row: int, regions: Sequence[Region]) -> RegionCase:
    case = cases.table.iloc[row]
    words = KIND_WORDS.get(str(case["kind"]), str(case["kind"]))
    header = f"{words}, score {case['score']:.2f}\n{case['patient']}  x {case['x']}  y {case['y']}"
    return RegionCase(cases.pixels[row], regions, header)
