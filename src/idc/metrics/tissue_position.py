"""Position of patches in the tissue: at its edge, or at the border between classes."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

NEIGHBOUR_REACH = 1.5  # grid steps: up to here, in x and in y, another patch is a neighbour
MIN_SUPPORT = 4  # places that must agree on a distance before it counts as a slide's grid step
COLUMNS = ["patient", "x", "y", "label"]


def locate(frame: pd.DataFrame, context: pd.DataFrame | None = None) -> pd.DataFrame:
    """Determine which patches lie at the edge of the tissue or at the border of two classes.

    A patch has up to 8 neighbours. A slide's grid step is the most common distance of its patches
    to their nearest one, so it may differ between slides; a patch may be off its place by up to a
    tenth of a step. Patches less than half a step apart are not neighbours of each other.

    Args:
        frame: Patches to locate: ``patient``, ``x``, ``y`` (slide pixels), ``label``.
        context: All patches of the slides (an index), with the same columns; rows with a negative
            (unknown) label are ignored. By default `frame` itself. Patches that are not in it
            count as missing neighbours.

    Returns:
        One row per patch, indexed as `frame`, boolean: ``tissue_edge`` (fewer than 8 neighbours)
        and ``class_border`` (a neighbour has another label). Both are <NA> for a patch without a
        position, and if all patches of its slide share one position.
    """
    unknown = pd.array([pd.NA] * len(frame), "boolean")
    positions = pd.DataFrame(
        {"tissue_edge": unknown, "class_border": unknown.copy()}, index=frame.index
    )
    parts = [frame]
    if context is not None:
        parts.append(context[context["label"] >= 0])
    if not all(set(COLUMNS) <= set(part.columns) for part in parts):
        return positions
    place_of, places = _places(pd.concat([part[COLUMNS] for part in parts], ignore_index=True))
    located = place_of[: len(frame)] >= 0
    if not located.any():
        return positions
    first, second, direction = _neighbours(places)
    has_neighbour = np.zeros((len(places), 9), bool)
    has_neighbour[first, direction] = True
    lowest, highest = np.full(len(places), np.iinfo(np.int64).max), np.full(len(places), -1)
    np.minimum.at(lowest, first, places["low"].to_numpy()[second])
    np.maximum.at(highest, first, places["high"].to_numpy()[second])
    at, label = place_of[: len(frame)][located], frame["label"].to_numpy(np.int64)[located]
    positions.loc[located, "tissue_edge"] = has_neighbour.sum(1)[at] < 8
    positions.loc[located, "class_border"] = (lowest[at] < label) | (highest[at] > label)
    return positions


def _places(rows: pd.DataFrame) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Number the places: the place of each row (-1 for none), and a table of the places.

    Several patches may share a place: ``low`` and ``high`` are the least and greatest label there.
    """
    xy = rows[["x", "y"]].to_numpy(np.float64, na_value=np.nan)
    flat = pd.DataFrame(
        {
            "slide": pd.factorize(rows["patient"].astype(str))[0],
            "x": xy[:, 0],
            "y": xy[:, 1],
            "label": rows["label"].to_numpy(np.int64),
        }
    )
    positioned = np.isfinite(xy).all(1)
    by_place = flat[positioned].groupby(["slide", "x", "y"], sort=True)
    places = by_place["label"].agg(low="min", high="max").reset_index()
    several = places.groupby("slide")["slide"].transform("size").to_numpy() > 1
    number = np.where(several, np.cumsum(several) - 1, -1)
    place_of = np.full(len(rows), -1, np.int64)
    place_of[positioned] = number[by_place.ngroup().to_numpy()]
    return place_of, places[several].reset_index(drop=True)


def _steps(places: pd.DataFrame) -> NDArray[np.float64]:
    """Grid step of each place's slide in pixels, (n,).

    A slide with too few places has the most common step of all slides.
    """
    xy = places[["x", "y"]].to_numpy()
    far = 2 * np.ptp(xy, axis=0).max() + 1  # so that no other slide's patch is the nearest
    tree = cKDTree(np.column_stack([xy, places["slide"] * far]))
    nearest = np.rint(tree.query(tree.data, k=2, p=np.inf)[0][:, 1]).clip(1)
    table = pd.DataFrame({"slide": places["slide"], "step": nearest})
    counts = table.value_counts(sort=False).rename("places").reset_index()
    ranked = counts.sort_values(["slide", "places", "step"], ascending=[True, False, True])
    best = ranked.drop_duplicates("slide").set_index("slide").loc[places["slide"]]
    step = best["step"].to_numpy(np.float64)
    common = counts.groupby("step")["places"].sum()
    top = int(common.to_numpy().argmax())
    if common.iloc[top] < MIN_SUPPORT:
        return step
    return np.where(best["places"] < MIN_SUPPORT, common.index.to_numpy(np.float64)[top], step)


def _neighbours(
    places: pd.DataFrame,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of neighbours in both orders, and the direction 0..8 of each, row by row of 3 x 3."""
    scaled = places[["x", "y"]].to_numpy() / _steps(places)[:, None]
    slide_offset = 2 * NEIGHBOUR_REACH * places["slide"].to_numpy()
    tree = cKDTree(np.column_stack([scaled, slide_offset]))
    pairs = tree.query_pairs(NEIGHBOUR_REACH, p=np.inf, output_type="ndarray")
    offset = np.rint(scaled[pairs[:, 1]] - scaled[pairs[:, 0]]).astype(np.int64)
    size = np.abs(offset).max(1)
    pairs, offset = pairs[size == 1], offset[size == 1]
    direction = 3 * offset[:, 1] + offset[:, 0] + 4
    first, second = pairs[:, 0], pairs[:, 1]
    return (
        np.concatenate([first, second]),
        np.concatenate([second, first]),
        np.concatenate([direction, 8 - direction]),
    )
