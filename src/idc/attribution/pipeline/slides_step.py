"""Slide maps: a patient's patches in their positions, as figures and as files for viewers."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from idc.attribution.methods import Attributions
from idc.attribution.pipeline.step import StepResult, Task, Trust
from idc.attribution.run import explain
from idc.plots.mosaic import find_places, mosaic
from idc.plots.region_burden import region_burden_figure
from idc.plots.slide_maps import SlideMaps, slide_maps_figure
from idc.runtime.drawing import Drawing
from idc.runtime.progress import progress_bar
from idc.slides.geojson import tile_features, tumour_features, write_geojson
from idc.slides.positive_regions import area_table, call_regions, label_regions, number_regions
from idc.slides.pyramid import write_map_pyramid, write_pyramid
from idc.slides.stitch import Stitched, stitch
from idc.text import count

log = logging.getLogger(__name__)
FOLDER = "slides"
WIDE = 1200  # pixels of a slide's longer side in a figure
SMALL = 2000


def show_slides(task: Task, trust: Trust) -> StepResult:
    """Maps of some patients, and tables of all regions of the test split.

    Args:
        task: What is explained.
        trust: Gives the best method, and its caveat.
    """
    result = StepResult()
    options, subject = task.node("slides"), task.subject
    patients = _patients(task, options.get("patients", 0))
    if not patients:
        return result
    folder = task.folder / FOLDER
    folder.mkdir(exist_ok=True)
    if subject.classes == 2:
        _regions(task, result, folder, options["pixel_size"])
    method = options["method"] or trust.first(task.methods)
    if subject.classes > 2:
        method = None  # maps of different classes' logits do not make one map
    frames = {p: part for p, part in subject.predictions.groupby("patient") if p in patients}
    total = sum(map(len, frames.values()))
    with progress_bar(total, "slide maps", SMALL) as advance:
        for patient in patients:
            frame = frames[patient].reset_index(drop=True)
            maps = None
            if method is not None:
                maps = _attributions(task, frame, method)
            words = f"{method}, {maps.source}" if maps is not None else ""
            mark = trust.caveat(str(method))
            stitched = _stitch(task, frame, maps) if maps is not None else None
            result.drawings += _draw(task, str(patient), frame, stitched, (words, mark), folder)
            _write(task, str(patient), frame, stitched, folder, options)
            advance(len(frame))
    return result


def _patients(task: Task, selected: int | str | list[str]) -> list[str]:
    """The named patients; else the test patients with most missed patches."""
    if task.selection.what == "patient":
        return sorted(task.pool["patient"].unique())
    test = task.subject.test
    patients = sorted(test["patient"].unique())
    if isinstance(selected, list):
        names = [task.subject.alias(str(name)) for name in selected]
        for lost in sorted(set(names) - set(patients)):
            log.warning(
                "explain.slides.patients: %s is not in the test split; explain.select=patient=%s "
                "of idc.explain shows any patient",
                lost,
                lost,
            )
        return [name for name in names if name in patients]
    if selected == "all":
        return patients
    missed = (test["label"] == 1) & (test["predicted"] != 1)
    wrong = test["label"] != test["predicted"]
    counts = pd.DataFrame({"missed": missed, "wrong": wrong}).groupby(test["patient"]).sum()
    order = counts.sort_values(["missed", "wrong"], ascending=False, kind="stable")
    return [str(name) for name in order.index[: int(selected)]]


def _regions(task: Task, result: StepResult, folder: Path, pixel_size: float | None) -> None:
    """Regions of the whole test split: a lesion that is missed as a whole is the worst error."""
    subject = task.subject
    test = subject.test
    called = call_regions(test, subject.patch_size, pixel_size)
    labelled = label_regions(test, subject.patch_size, pixel_size)
    called.to_csv(folder / "called_regions.csv", index=False, float_format="%.6g")
    labelled.to_csv(folder / "labelled_regions.csv", index=False, float_format="%.6g")
    areas = area_table(test, subject.patch_size, pixel_size)
    areas.to_csv(folder / "areas.csv", index=False, float_format="%.6g")
    if len(labelled):
        missed = int(labelled["missed"].sum())
        result.metrics |= {"regions_labelled": len(labelled), "regions_missed": missed}
        positive = subject.class_names[1]
        sizes = labelled["patches"][labelled["missed"]]
        largest = ""
        if missed:
            largest = f"; the largest has {count(int(sizes.max()), 'patch', 'patches')}"
        result.sentences.append(
            f"Regions labelled {positive} on the test slides: {len(labelled)}, of which {missed} "
            f"missed as a whole{largest}."
        )


def _attributions(task: Task, frame: pd.DataFrame, method: str) -> Attributions:
    subject = task.subject
    return explain(
        subject.network,
        subject.pixels(frame),
        subject.targets(frame),
        {method: task.methods[method]},
        task.options["batch_size"],
        subject.device,
    )[method]


def _stitch(task: Task, frame: pd.DataFrame, maps: Attributions) -> Stitched:
    size = task.subject.patch_size
    x, y = frame["x"].to_numpy(), frame["y"].to_numpy()
    return stitch(maps.maps, x, y, size, _cell(frame, size, size))


def _cell(frame: pd.DataFrame, patch_size: int, most: int) -> int:
    """Pixels a patch in a figure of the slide."""
    places = find_places(frame["x"].to_numpy(), frame["y"].to_numpy(), patch_size)
    return int(np.clip(WIDE // max(places.shape), 2, most))


def _draw(
    task: Task,
    patient: str,
    frame: pd.DataFrame,
    stitched: Stitched | None,
    words: tuple[str, str],
    folder: Path,
) -> list[Drawing]:
    subject = task.subject
    size = subject.patch_size
    x, y, rows = (frame[name].to_numpy() for name in ("x", "y", "row"))
    two = subject.classes == 2
    regions = number_regions(frame, size) if two else None
    cell = _cell(frame, size, subject.patches.shape[1])
    maps = SlideMaps(
        mosaic(subject.patches, x, y, size, cell, rows),
        find_places(x, y, size),
        frame["label"].to_numpy(),
        frame["predicted"].to_numpy(),
        frame["score"].to_numpy(),
        regions,
        stitched.values if stitched else None,  # noqa: PD011
        *words,
    )
    splits = sorted(set(frame["split"]) - {"test"})
    name = patient + (f" ({', '.join(splits)} split)" if splits else "")
    arguments = {
        "maps": maps,
        "patient": name,
        "class_names": subject.class_names,
        "threshold": subject.threshold,
    }
    drawings = [Drawing(folder / f"{patient}.png", slide_maps_figure, arguments)]
    if two and len(table := call_regions(frame, size)):
        burden = {
            "table": table,
            "patient": name,
            "positive": str(subject.class_names[1]),
            "threshold": subject.threshold,
        }
        drawings.append(Drawing(folder / f"{patient}_regions.png", region_burden_figure, burden))
    return drawings


def _write(
    task: Task, patient: str, frame: pd.DataFrame, stitched: Stitched | None, folder: Path,
    options: Mapping[str, object],
) -> None:  # fmt: skip
    """GeoJSON, and where they are options for pyramids; all in slide pixels."""
    subject, size = task.subject, task.subject.patch_size
    pixel_size = options["pixel_size"]
    assert pixel_size is None or isinstance(pixel_size, int | float)
    positive = str(subject.class_names[1])
    if subject.classes == 2:
        features = tumour_features(frame, size, positive, pixel_size)
        write_geojson(folder / f"{patient}.geojson", features)
        tiles = tile_features(frame, size, positive)
        write_geojson(folder / f"{patient}_scores.geojson", tiles)
    if not options["tiff"]:
        return
    x, y, rows = (frame[name].to_numpy() for name in ("x", "y", "row"))
    path = folder / f"{patient}.ome.tif"
    write_pyramid(path, subject.patches, rows, x, y, size, pixel_size=pixel_size, name=patient)
    if stitched is not None:
        write_map_pyramid(
            folder / f"{patient}_attribution.ome.tif", stitched.values, stitched.left,
            stitched.top, stitched.scale, pixel_size=pixel_size,
        )  # fmt: skip
    if subject.classes == 2:
        flat = frame["score"].to_numpy(np.float32)[:, None, None]
        grid = stitch(flat, x, y, size, 1, blend=False)
        write_map_pyramid(
            folder / f"{patient}_probability.ome.tif", grid.values, grid.left, grid.top,
            grid.scale, pixel_size=pixel_size,
        )  # fmt: skip
