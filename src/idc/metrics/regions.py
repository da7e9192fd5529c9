"""Where on the slide a patch lies: at the edge of the tissue, at the border between classes."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

REACH = 1.5  # grid steps: up to here, in x and in y, another patch is a neighbour
SUPPORT = 4  # places that must agree on a distance before it counts as a slide's grid step
COLUMNS = ["patient", "x", "y", "label"]


def locate(frame: pd.DataFrame, context: pd.DataFrame | None = None) -> pd.DataFrame:
    """Whether patches lie at the edge of the tissue or where two classes meet.

    A patch has up to 8 neighbours. A slide's grid step is the commonest distance of its patches
    to their nearest one, so slides may differ in it; a patch may lie off its place by up to a
    tenth of a step. Patches less than half a step apart are not neighbours of one another.

    Args:
        frame: The patches asked about: ``patient``, ``x``, ``y`` (pixels on the slide), ``label``.
        context: All patches of the slides, with the same columns, or an index, whose patients
            are in ``group``; rows of a negative label, of which nothing is known, are passed over.
            By default `frame` itself. If an index was thinned out, the neighbours that were left
            out count as missing.

    Returns:
        A row a patch, indexed as `frame`: ``tissue_edge`` (boolean: fewer than 8 neighbours),
        ``edge_distance`` (Int64: steps to the nearest patch at the edge, 0 for one that is) and
        ``class_border`` (boolean: a neighbour has another label). All are <NA> for a patch without
        a position, and for those of a slide that has one position only.
    """
    found = pd.DataFrame(
        {
            "tissue_edge": pd.array([pd.NA] * len(frame), "boolean"),
            "edge_distance": pd.array([pd.NA] * len(frame), "Int64"),
            "class_border": pd.array([pd.NA] * len(frame), "boolean"),
        },
        index=frame.index,
    )
    parts = [frame]
    if context is not None:
        named = context
        parts.append(named[named["label"] >= 0])
    if not all(set(COLUMNS) <= set(part.columns) for part in parts):
        return found
    place_of, places = _places(pd.concat([part[COLUMNS] for part in parts], ignore_index=True))
    known = place_of[: len(frame)] >= 0
    if not known.any():
        return found
    one, two, direction = _neighbours(places)
    beside = np.full((len(places), 9), -1)
    beside[one, direction] = two
    beside[:, 4] = np.arange(len(places))  # the place itself
    distance = _steps_to_edge(beside)
    lowest, highest = np.full(len(places), np.iinfo(np.int64).max), np.full(len(places), -1)
    np.minimum.at(lowest, one, places["low"].to_numpy()[two])
    np.maximum.at(highest, one, places["high"].to_numpy()[two])
    at, label = place_of[: len(frame)][known], frame["label"].to_numpy(np.int64)[known]
    found.loc[known, "tissue_edge"] = distance[at] == 0
    found.loc[known, "edge_distance"] = distance[at]
    found.loc[known, "class_border"] = (lowest[at] < label) | (highest[at] > label)
    return found


def _places(rows: pd.DataFrame) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """The place of each row, -1 for none, and the places.

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
    """The grid step of each place's slide in pixels, (n,).

    A slide with too few places to tell has the commonest step of all slides.
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
    if common.iloc[top] < SUPPORT:
        return step
    return np.where(best["places"] < SUPPORT, common.index.to_numpy(np.float64)[top], step)


def _neighbours(
    places: pd.DataFrame,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of neighbours, both ways round: places and direction 0..8, row by row of 3 x 3."""
    scaled = places[["x", "y"]].to_numpy() / _steps(places)[:, None]
    apart = 2 * REACH * places["slide"].to_numpy()
    tree = cKDTree(np.column_stack([scaled, apart]))
    pairs = tree.query_pairs(REACH, p=np.inf, output_type="ndarray")
    offset = np.rint(scaled[pairs[:, 1]] - scaled[pairs[:, 0]]).astype(np.int64)
    size = np.abs(offset).max(1)
    pairs, offset = pairs[size == 1], offset[size == 1]
    direction = 3 * offset[:, 1] + offset[:, 0] + 4
    one, two = pairs[:, 0], pairs[:, 1]
    return (
        np.concatenate([one, two]),
        np.concatenate([two, one]),
        np.concatenate([direction, 8 - direction]),
    )


def _steps_to_edge(beside: NDArray[np.int64]) -> NDArray[np.int64]:
    """Steps from each place to one that lacks a neighbour, over neighbours, int64 (n,).

    On a grid this is the chessboard distance to the nearest gap, less one.
    """
    distance = np.where((beside < 0).any(1), 0, -1).astype(np.int64)
    step = 0
    while (rest := np.flatnonzero(distance < 0)).size:
        reached = rest[(distance[beside[rest]] == step).any(1)]
        step += 1
        distance[reached] = step
    return distance
