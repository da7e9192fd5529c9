"""Projection of features to two dimensions for figures: PCA, t-SNE, UMAP."""

import importlib
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from idc.errors import ConfigError, DataError

Projector = Literal["pca", "tsne", "umap"]
METHODS = ("pca", "tsne", "umap")
REDUCED = 50  # dimensions that PCA leaves for t-SNE (van der Maaten & Hinton 2008, section 4.2)
PERPLEXITY = 30.0
NEIGHBOURS = 15  # of UMAP, its default
FEWEST = 5  # points; fewer have no neighbourhoods, and PCA draws them


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
        ConfigError: Another method, or UMAP is not installed.
        DataError: There are no features, or some are not finite.
    """
    if method not in METHODS:
        raise ConfigError(f"explain: embedding={method}; choose pca, tsne or umap.")
    if not len(features) or not np.isfinite(features).all():
        what = "some are not finite" if len(features) else "there are none"
        raise DataError(f"explain: features cannot be projected: {what}.")
    used = np.asarray(features, np.float64)
    of = f"{used.shape[1]:,} features of {len(used):,} patches"
    if method == "umap":
        return _umap(used, seed, of)
    if method == "tsne" and len(used) >= FEWEST:
        return _tsne(used, seed, of)
    return _pca(used, of)


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
    if not sum(shares):  # all alike: there is nothing to spread out
        points = np.zeros((len(used), 2), np.float32)
    else:
        if reduced.shape[1] < 2:
            reduced = np.column_stack([reduced, np.zeros(len(used))])
        points = TSNE(init="pca", perplexity=perplexity, random_state=seed).fit_transform(reduced)
    words = f"t-SNE of {of}, perplexity {perplexity:.3g}; distances between clusters mean nothing"
    return Projection(np.asarray(points, np.float32), words, ("t-SNE 1", "t-SNE 2"))


def _umap(used: NDArray[np.float64], seed: int, of: str) -> Projection:
    try:
        library = importlib.import_module("umap")
    except ImportError as error:
        raise ConfigError(
            "explain: embedding=umap needs the package umap-learn: install idc with its extra, "
            "idc[umap], or choose tsne or pca."
        ) from error
    if len(used) < FEWEST:
        return _pca(used, of)
    neighbours = min(NEIGHBOURS, len(used) - 1)
    points = library.UMAP(n_neighbors=neighbours, random_state=seed).fit_transform(used)
    words = f"UMAP of {of}, {neighbours} neighbours; distances between clusters mean little"
    return Projection(np.asarray(points, np.float32), words, ("UMAP 1", "UMAP 2"))


def _reduce(used: NDArray[np.float64], most: int) -> tuple[NDArray[np.float64], list[float]]:
    """The first principal components and their share of the variance; none if all are alike."""
    if math.isclose(float(np.ptp(used, axis=0).max(initial=0.0)), 0.0):
        return np.zeros((len(used), 0)), []
    solver = PCA(min(most, *used.shape), svd_solver="full" if min(used.shape) <= 64 else "auto")
    solver.set_params(random_state=0)
    return solver.fit_transform(used), solver.explained_variance_ratio_.tolist()
