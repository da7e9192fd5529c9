"""Connected regions of a slide that are called positive, labelled positive, or missed.

A lesion that is missed as a whole matters more than the rim of a detected one; shares of patches
do not distinguish the two.
"""

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.measure import label as number_connected

RegionKind = Literal["called", "labelled"]
SOURCE = {"called": "predicted", "labelled": "label"}


def number_regions(
    frame: pd.DataFrame, patch_size: int, kind: RegionKind = "called"
) -> NDArray[np.int64]:
    """Number the region of each patch.

    Patches of one patient that touch, at a side or at a corner, form a region; each patch is moved
    to the nearest place of the patient's grid.

    Args:
        frame: Two-class predictions: ``patient``, ``x``, ``y``, ``predicted`` and ``label``.
        patch_size: Side of a patch in slide pixels.
        kind: ``called`` for patches with ``predicted`` 1, ``labelled`` for those with ``label`` 1.

    Returns:
        int64 (N,): 0 for a patch that is not positive; else the region's number, from 1 in each
        patient, by descending number of patches, then from top to bottom.
    """
    x, y = (frame[name].to_numpy(np.int64) for name in ("x", "y"))
    positive = frame[SOURCE[kind]].to_numpy() == 1
    numbers = np.zeros(len(frame), np.int64)
    for rows in frame.groupby(frame["patient"].astype(str).to_numpy()).indices.values():
        column, row = (_steps(values[rows], patch_size) for values in (x, y))
        grid = np.zeros((row.max() + 1, column.max() + 1), bool)
        grid[row[positive[rows]], column[positive[rows]]] = True
        region = np.asarray(number_connected(grid, connectivity=2), np.int64)[row, column]
        # A patch that shares its place with a positive one is not positive itself.
        region[~positive[rows]] = 0
        size = np.bincount(region)
        # `label` numbers from top to bottom, and a stable sort keeps this order among equals.
        order = np.argsort(-size[1:], kind="stable")
        rank = np.zeros(len(size), np.int64)
        rank[order + 1] = np.arange(1, len(size))
        numbers[rows] = rank[region]
    return numbers


def call_regions(
    frame: pd.DataFrame, patch_size: int, pixel_size: float | None = None
) -> pd.DataFrame:
    """Measure the regions that were called positive.

    Args:
        frame: Two-class predictions: ``patient``, ``x``, ``y``, ``label``, ``predicted`` and
            ``score``.
        patch_size: Side of a patch in slide pixels.
        pixel_size: Side of a slide pixel in micrometres, or None.

    Returns:
        One row per region: ``patient``, ``region`` (see `number_regions`),
        ``patches``, ``area_px2`` and, with `pixel_size`, ``area_um2`` (patches times a patch's
        area), ``mean_score``, ``labelled`` (share of its patches that are labelled positive),
        ``x0``, ``y0``, ``x1``, ``y1`` (bounding box in slide pixels, the far edge not included),
        ``centre_x``, ``centre_y`` (centroid, slide pixels).
    """
    return _regions(frame, patch_size, pixel_size, "called", labelled=("label", "mean"))


def label_regions(
    frame: pd.DataFrame, patch_size: int, pixel_size: float | None = None
) -> pd.DataFrame:
    """Measure the regions that are labelled positive, and the share of each that was detected.

    Args:
        frame: As for `call_regions`.
        patch_size: Side of a patch in slide pixels.
        pixel_size: Side of a slide pixel in micrometres, or None.

    Returns:
        As `call_regions`, with ``found`` (share of its patches that were called positive) and
        ``missed`` (bool: none was) in place of ``labelled``.
    """
    table = _regions(frame, patch_size, pixel_size, "labelled", found=("predicted", "mean"))
    table.insert(list(table.columns).index("found") + 1, "missed", table["found"] == 0)
    return table


def area_table(
    frame: pd.DataFrame, patch_size: int, pixel_size: float | None = None
) -> pd.DataFrame:
    """Area and number of regions called and labelled positive, by patient.

    Args:
        frame: As for `call_regions`.
        patch_size: Side of a patch in slide pixels.
        pixel_size: Side of a slide pixel in micrometres, or None.

    Returns:
        One row per patient, by name: ``patient``, ``patches``, ``called`` and ``labelled``
            (patches),
        ``called_px2`` and ``labelled_px2`` (and ``_um2``), ``called_share`` and
        ``labelled_share`` (of the patient's patches), ``call_regions``, ``label_regions``,
        ``missed_regions``, ``missed_patches`` (patches in them), ``largest_missed`` (patches of
        the largest), ``false_regions`` (called, without a labelled patch), ``false_patches``.
    """
    flags = pd.DataFrame({"called": frame["predicted"] == 1, "labelled": frame["label"] == 1})
    by_patient = flags.groupby(frame["patient"].astype(str).to_numpy(), sort=True)
    table = pd.concat([by_patient.size().rename("patches"), by_patient.sum()], axis=1)
    for name in ("called", "labelled"):
        table[f"{name}_px2"] = table[name] * patch_size**2
        if pixel_size is not None:
            table[f"{name}_um2"] = table[f"{name}_px2"] * pixel_size**2
        table[f"{name}_share"] = table[name] / table["patches"]
    calls, labels = call_regions(frame, patch_size), label_regions(frame, patch_size)
    missed, false = labels[labels["missed"]], calls[calls["labelled"] == 0]
    for name, regions, aggregate in (
        ("call_regions", calls, "size"),
        ("label_regions", labels, "size"),
        ("missed_regions", missed, "size"),
        ("missed_patches", missed, "sum"),
        ("largest_missed", missed, "max"),
        ("false_regions", false, "size"),
        ("false_patches", false, "sum"),
    ):
        counts = regions.groupby("patient")["patches"].agg(aggregate)
        table[name] = counts.reindex(table.index, fill_value=0).astype(np.int64)
    return table.rename_axis("patient").reset_index()


def _regions(
    frame: pd.DataFrame,
    patch_size: int,
    pixel_size: float | None,
    kind: RegionKind,
    **share: tuple[str, str],
) -> pd.DataFrame:
    rows = frame[["x", "y", "score"]].assign(
        patient=frame["patient"].astype(str),
        region=number_regions(frame, patch_size, kind),
        label=(frame["label"] == 1).astype(np.float64),
        predicted=(frame["predicted"] == 1).astype(np.float64),
    )
    grouped = rows[rows["region"] > 0].groupby(["patient", "region"], sort=True)
    table = grouped.agg(
        patches=("score", "size"),
        mean_score=("score", "mean"),
        **share,
        x0=("x", "min"),
        y0=("y", "min"),
        x1=("x", "max"),
        y1=("y", "max"),
        centre_x=("x", "mean"),
        centre_y=("y", "mean"),
    ).reset_index()
    table[["x1", "y1"]] += patch_size
    table[["centre_x", "centre_y"]] += patch_size / 2
    place = list(table.columns).index("patches") + 1
    table.insert(place, "area_px2", table["patches"] * patch_size**2)
    if pixel_size is not None:
        table.insert(place + 1, "area_um2", table["area_px2"] * pixel_size**2)
    return table


def _steps(values: NDArray[np.int64], patch_size: int) -> NDArray[np.int64]:
    """Grid places from the least value on, rounded half up."""
    return np.asarray((values - values.min() + patch_size // 2) // patch_size, np.int64)
