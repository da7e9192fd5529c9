"""Patches in feature space: their projection to two dimensions, and whose neighbours they are."""

import importlib
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from idc.errors import ConfigError, DataError

Projector = Literal["pca", "tsne", "umap"]
REDUCED = 50  # dimensions that PCA leaves for t-SNE (van der Maaten & Hinton 2008, section 4.2)
PERPLEXITY = 30.0
NEIGHBOURS = 15  # of UMAP, its default
FEWEST = 5  # points; fewer have no neighbourhoods, and PCA draws them
CHUNK = 1024  # queries at once
TIE = 1e-6  # similarities closer than this are equal: what float32 can resolve
Similar = NDArray[np.float32]


@dataclass(frozen=True)
class Projection:
    """Patches as points in a plane.

    Attributes:
        points: float32 (N, 2).
        words: How it was done, and what it does not show.
        axes: One name per axis.
    """

    points: NDArray[np.float32]
    words: str
    axes: tuple[str, str]


def project(
    features: NDArray[np.floating], method: Projector = "tsne", seed: int = 0
) -> Projection:
    """Project features to a plane.

    t-SNE works on the first 50 principal components, from a start by PCA, with a perplexity of 30
    or, for few points, a third of their number; fewer than five points are left to PCA. UMAP takes
    the features as they are.

    Args:
        features: float (N, F), N > 0, finite.
        method: ``pca``, ``tsne`` or ``umap`` (needs the extra ``umap``).
        seed: Decides the picture of t-SNE and UMAP.

    Raises:
        ConfigError: UMAP is not installed.
    """
    used = np.asarray(features, np.float64)
    of = f"{used.shape[1]:,} features of {len(used):,} patches"
    library = _load_umap() if method == "umap" else None
    if method == "pca" or len(used) < FEWEST:
        return _pca(used, of)
    if library:
        neighbours = min(NEIGHBOURS, len(used) - 1)
        points = library.UMAP(n_neighbors=neighbours, random_state=seed).fit_transform(used)
        words = f"UMAP of {of}, {neighbours} neighbours; distances between clusters mean little"
        return Projection(np.asarray(points, np.float32), words, ("UMAP 1", "UMAP 2"))
    return _tsne(used, seed, of)


def _pca(used: NDArray[np.float64], of: str) -> Projection:
    reduced, shares = _reduce(used, 2)
    points = np.zeros((len(used), 2), np.float32)
    points[:, : reduced.shape[1]] = reduced
    first, second = (f"{100 * share:.0f} %" for share in [*shares, 0.0, 0.0][:2])
    words = f"PCA of {of}; the axes show {first} and {second} of the variance"
    axes = (f"component 1 ({first} of the variance)", f"component 2 ({second} of the variance)")
    return Projection(points, words, axes)


def _tsne(used: NDArray[np.float64], seed: int, of: str) -> Projection:
    perplexity = min(PERPLEXITY, (len(used) - 1) / 3)
    reduced, shares = _reduce(used, REDUCED)
    points = np.zeros((len(used), 2), np.float32)
    if sum(shares):  # else all are alike: there is nothing to spread out
        if reduced.shape[1] < 2:
            reduced = np.column_stack([reduced, np.zeros(len(used))])
        points = TSNE(init="pca", perplexity=perplexity, random_state=seed).fit_transform(reduced)
    words = f"t-SNE of {of}, perplexity {perplexity:.3g}; distances between clusters mean nothing"
    return Projection(np.asarray(points, np.float32), words, ("t-SNE 1", "t-SNE 2"))


def _load_umap() -> Any:
    try:
        return importlib.import_module("umap")
    except ImportError as error:
        raise ConfigError(
            "explain: embedding=umap needs the package umap-learn: install idc with its extra, "
            "idc[umap], or choose tsne or pca."
        ) from error


def _reduce(used: NDArray[np.float64], most: int) -> tuple[NDArray[np.float64], list[float]]:
    """The first principal components and their share of the variance; none if all are alike."""
    if math.isclose(float(np.ptp(used, axis=0).max(initial=0.0)), 0.0):
        return np.zeros((len(used), 0)), []
    solver = PCA(min(most, *used.shape), svd_solver="full" if min(used.shape) <= 64 else "auto")
    solver.set_params(random_state=0)
    return solver.fit_transform(used), solver.explained_variance_ratio_.tolist()


def neighbour_metrics(
    features: NDArray[np.floating],
    labels: NDArray[np.integer],
    patients: NDArray[Any],
    k: int = 10,
) -> dict[str, float]:
    """Shares of nearest neighbours, by cosine similarity in the whole space of the features.

    Each is a mean over patches, in [0, 1]:

    - ``neighbours_same_patient``: of a patch's k nearest others, the share from its own patient.
    - ``neighbours_same_label``: of the same k, the share with its label.
    - ``neighbours_same_label_other_patients``: of the k nearest patches *of other patients*, the
      share with its label.

    Beside each, ``_chance`` is that share of all others, or of all of other patients. Where
    similarities are equal at the k-th place, the equal ones count in part, so that the order of
    the patches never matters and features that are all alike give chance exactly. A vector of
    zeros is equally far from all. Where there are fewer than k, all count.

    Args:
        features: float (N, F), finite; time grows with the square of N.
        labels: int (N,).
        patients: Patient of each patch, (N,).
        k: Neighbours.

    Returns:
        Name to value, never NaN: what is undefined is left out (the last pair with one patient
        only, everything with fewer than two patches).

    Raises:
        DataError: A feature is not finite.
    """
    if not np.isfinite(features).all():
        raise DataError("neighbours: some features are not finite.")
    if (count := len(features)) < 2:
        return {}
    unit = _unit(np.asarray(features, np.float32))
    label = np.unique(labels, return_inverse=True)[1]
    patient = np.unique(np.asarray(patients, str), return_inverse=True)[1]
    columns: dict[str, list[NDArray[np.float64]]] = {}
    for start in range(0, count, CHUNK):
        part = np.arange(start, min(start + CHUNK, count))
        near = np.rint(unit[part] @ unit.T / np.float32(TIE))
        same_patient = patient[part, None] == patient
        same_label = label[part, None] == label
        others = np.ones_like(same_patient)
        others[np.arange(len(part)), part] = False
        for name, same, among in (
            ("neighbours_same_patient", same_patient, others),
            ("neighbours_same_label", same_label, others),
            ("neighbours_same_label_other_patients", same_label, ~same_patient),
        ):
            some = among.any(1)
            shares = _shares(near[some], same[some], among[some], k)
            columns.setdefault(name, []).append(shares)
            chance = (same & among)[some].sum(1) / among[some].sum(1)
            columns.setdefault(f"{name}_chance", []).append(chance)
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    return {name: float(values.mean()) for name, values in joined.items() if len(values)}


def _unit(features: Similar) -> Similar:
    """Vectors of length 1; those of length 0 stay."""
    # First by the largest entry: squares of large ones would overflow.
    largest = np.abs(features).max(1, keepdims=True, initial=0.0)
    scaled = features / np.where(largest > 0, largest, 1)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return np.asarray(scaled / np.where(length > 0, length, 1), np.float32)


def _shares(
    near: Similar, same: NDArray[np.bool_], among: NDArray[np.bool_], k: int
) -> NDArray[np.float64]:
    """Of each row's k nearest, the expected share of the same, with ties drawn by lot."""
    if not len(near):
        return np.zeros(0)
    near = np.where(among, near, -np.inf)
    places = np.minimum(k, among.sum(1))
    top = min(k, near.shape[1])
    best = -np.sort(-np.partition(near, near.shape[1] - top, axis=1)[:, -top:], axis=1)
    edge = best[np.arange(len(near)), places - 1][:, None]
    nearer, tied = near > edge, near == edge
    left = places - nearer.sum(1)
    lot = left * (tied & same).sum(1) / tied.sum(1)
    return np.asarray(((nearer & same).sum(1) + lot) / places)
