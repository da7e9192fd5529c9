"""Slide maps: a patient's patches in their positions, as figures and as files for viewers."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from idc.attribution.methods import Attributions
from idc.attribution.pipeline.step import StepResult, Task
from idc.attribution.run import explain
from idc.plots.mosaic import find_places, mosaic
from idc.plots.slide_maps import SlideMaps, region_burden_figure, slide_maps_figure
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


def show_slides(task: Task) -> StepResult:
    """Maps of some patients, and tables of all regions of the test split."""
    result = StepResult()
    options, subject = task.node("slides"), task.subject
    patients = _patients(task, options["patients"])
    if not patients:
        return result
    folder = task.folder / FOLDER
    folder.mkdir(exist_ok=True)
    if subject.classes == 2:
        _regions(task, result, folder, options["pixel_size"])
    method: str | None = options["method"] or task.trust.first(task.methods)
    if subject.classes > 2:
        method = None  # maps of different classes' logits do not make one map
    frames = {p: part for p, part in subject.predictions.groupby("patient") if p in patients}
    with progress_bar(sum(map(len, frames.values())), "slide maps", SMALL) as advance:
        for patient in patients:
            frame = frames[patient].reset_index(drop=True)
            stitched, words = None, ("", "")
            if method is not None:
                maps = _attributions(task, frame, method)
                words = (f"{method}, {maps.source}", task.trust.caveat(method))
                x, y, size = frame["x"].to_numpy(), frame["y"].to_numpy(), subject.patch_size
                stitched = stitch(maps.maps, x, y, size, _cell(frame, size, size))
            result.drawings += _draw(task, patient, frame, stitched, words, folder)
            _write(task, patient, frame, stitched, folder)
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
                f"explain.slides.patients: {lost} is not in the test split; "
                f"explain.select=patient={lost} of idc.explain shows any patient"
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
    labelled = label_regions(subject.test, subject.patch_size, pixel_size)
    given = (subject.test, subject.patch_size, pixel_size)
    tables = {"called_regions": call_regions(*given), "areas": area_table(*given)}
    for name, table in {**tables, "labelled_regions": labelled}.items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g")
    if not len(labelled):
        return
    missed = int(labelled["missed"].sum())
    result.metrics |= {"regions_labelled": len(labelled), "regions_missed": missed}
    size = int(labelled["patches"][labelled["missed"]].max()) if missed else 0
    largest = f"; the largest has {count(size, 'patch', 'patches')}" if missed else ""
    result.sentences.append(
        f"Regions labelled {subject.class_names[1]} on the test slides: {len(labelled)}, of which "
        f"{missed} missed as a whole{largest}."
    )


def _attributions(task: Task, frame: pd.DataFrame, method: str) -> Attributions:
    subject, methods = task.subject, {method: task.methods[method]}
    pixels, targets = subject.pixels(frame), subject.targets(frame)
    batch, device = task.options["batch_size"], subject.device
    return explain(subject.network, pixels, targets, methods, batch, device)[method]


def _cell(frame: pd.DataFrame, patch_size: int, most: int) -> int:
    """Pixels per patch in a figure of the slide."""
    places = find_places(frame["x"].to_numpy(), frame["y"].to_numpy(), patch_size)
    return int(np.clip(WIDE // max(places.shape), 2, most))


def _draw(
    task: Task,
    patient: str,
    frame: pd.DataFrame,
    stitched: Stitched | None,
    words: tuple[str, str],
    folder: Path,
) -> Iterator[Drawing]:
    subject, size = task.subject, task.subject.patch_size
    x, y, rows = (frame[name].to_numpy() for name in ("x", "y", "row"))
    two = subject.classes == 2
    cell = _cell(frame, size, subject.patches.shape[1])
    maps = SlideMaps(
        mosaic(subject.patches, x, y, size, cell, rows),
        find_places(x, y, size),
        frame["label"].to_numpy(),
        frame["predicted"].to_numpy(),
        frame["score"].to_numpy(),
        number_regions(frame, size) if two else None,
        stitched.values if stitched else None,  # noqa: PD011
        *words,
    )
    splits = sorted(set(frame["split"]) - {"test"})
    shared = {
        "patient": patient + (f" ({', '.join(splits)} split)" if splits else ""),
        "threshold": subject.threshold,
    }
    names = {"class_names": subject.class_names}
    yield Drawing(folder / f"{patient}.png", slide_maps_figure, {"maps": maps, **names, **shared})
    if two and len(table := call_regions(frame, size)):
        burden = {"table": table, "positive": str(subject.class_names[1]), **shared}
        yield Drawing(folder / f"{patient}_regions.png", region_burden_figure, burden)


def _write(
    task: Task, patient: str, frame: pd.DataFrame, stitched: Stitched | None, folder: Path
) -> None:
    """GeoJSON, and where they are options for pyramids; all in slide pixels."""
    subject, size, options = task.subject, task.subject.patch_size, task.node("slides")
    pixel_size, positive = options["pixel_size"], str(subject.class_names[1])
    maps = {"attribution": stitched} if stitched else {}
    x, y, rows = (frame[name].to_numpy() for name in ("x", "y", "row"))
    if subject.classes == 2:
        features = tumour_features(frame, size, positive, pixel_size)
        write_geojson(folder / f"{patient}.geojson", features)
        write_geojson(folder / f"{patient}_scores.geojson", tile_features(frame, size, positive))
        flat = frame["score"].to_numpy(np.float32)[:, None, None]
        maps["probability"] = stitch(flat, x, y, size, 1, blend=False)
    if not options["tiff"]:
        return
    path = folder / f"{patient}.ome.tif"
    write_pyramid(path, subject.patches, rows, x, y, size, pixel_size=pixel_size, name=patient)
    for name, grid in maps.items():
        place, where = (grid.left, grid.top, grid.scale), folder / f"{patient}_{name}.ome.tif"
        write_map_pyramid(where, grid.values, *place, pixel_size=pixel_size)
