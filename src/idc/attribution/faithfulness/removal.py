"""Insertion and deletion: the probability while pixels go, for all maps and reference images."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from idc.attribution.faithfulness.likeness import random_maps_like
from idc.attribution.faithfulness.plan import Filler
from idc.attribution.faithfulness.probe import Probe

BLUR = 0.1  # standard deviation of the blur, as a share of the patch's side
KINDS = ("insertion", "deletion")
OF_METHODS, OF_BRIGHTNESS = 3, 5  # set the seeds of the random maps apart


def filled(images: NDArray[np.float32], kind: Filler) -> NDArray[np.float32]:
    """What pixels are replaced with, float32 (N, 3, H, W).

    Args:
        images: float32 (N, 3, H, W) in [0, 1].
        kind: See `FaithfulnessPlan.baselines`.
    """
    if kind == "blur":
        width = BLUR * max(images.shape[-2:])
        return np.asarray(gaussian_filter(images, (0, 0, width, width)), np.float32)
    if kind == "mean":
        return np.broadcast_to(images.mean((2, 3), keepdims=True), images.shape).copy()
    return np.full_like(images, {"white": 1.0, "grey": 0.5, "black": 0.0}[kind])


def pixel_ranks(maps: NDArray[np.floating]) -> NDArray[np.int32]:
    """Place of each pixel, 0 for the most important, int32 (M, H * W).

    Pixels of the same value (a Grad-CAM is 0 over wide parts) follow their surroundings, those
    nearer to important ones first: any order of its own, such as row by row, would cut holes that
    are not in the map.

    Args:
        maps: float (M, H, W).
    """
    flat = np.asarray(maps, np.float64).reshape(len(maps), -1)
    near = np.zeros_like(flat)
    tied = (np.diff(np.sort(flat, axis=1), axis=1) == 0).any(1)
    if tied.any():
        width = max(maps.shape[1:]) / 4
        around = gaussian_filter(maps[tied].astype(np.float64), (0, width, width), truncate=4)
        near[tied] = around.reshape(len(around), -1)
    order = np.lexsort((-near, -flat), axis=-1)
    ranks = np.empty(order.shape, np.int32)
    np.put_along_axis(ranks, order, np.arange(order.shape[1], dtype=np.int32)[None], axis=1)
    return ranks


def with_random(
    probe: Probe, maps: NDArray[np.floating], count: int, tag: int = OF_METHODS
) -> NDArray[np.float64]:
    """Maps, (N, H, W), and `count` random maps like each, float64 (N, 1 + count, H, W)."""
    seeds = [(probe.plan.seed, tag, patch) for patch in range(len(maps))]
    return np.concatenate([maps[:, None], random_maps_like(maps, count, seeds)], axis=1)


def removal_curves(
    probe: Probe, references: Sequence[NDArray[np.float32]], maps: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Insertion and deletion curves (RISE, Petsiuk et al. 2018) of several maps per patch.

    Deletion goes from the patch to the reference image, insertion from the reference image to the
    patch, both with the most important pixels first.

    Args:
        probe: What is measured on.
        references: What pixels are replaced with, R of float32 (N, 3, H, W).
        maps: float (N, M, H, W).

    Returns:
        float64 (R, 2, N, M, steps + 1) in [0, 1], insertion and deletion: the probability of the
        class with a share of n / steps of the pixels put in, or out.
    """
    images, targets, steps = probe.images, probe.targets, probe.plan.steps
    device, (patches, many, height, width) = images.device, maps.shape
    ranks = torch.from_numpy(pixel_ranks(maps.reshape(-1, height, width))).to(device)
    fills = torch.from_numpy(np.stack(references)).to(device)
    counts = torch.linspace(0, height * width, steps + 1).round().int().to(device)
    whole, *nothing = (
        torch.cat([probe.probability(x[i], targets[i]) for i in probe.parts(patches)])
        for x in (images, *fills)
    )
    curves = torch.zeros(len(fills), 2, patches, many, steps + 1, dtype=torch.float64)
    curves[:, 0, ..., 0] = curves[:, 1, ..., -1] = torch.stack(nothing).cpu()[..., None]
    curves[:, 0, ..., -1] = curves[:, 1, ..., 0] = whole.cpu()[:, None]
    # One row for each point of a curve between its ends, which are measured above.
    rows = torch.cartesian_prod(*map(torch.arange, curves.shape[:4]), torch.arange(1, steps))
    for part in probe.parts(len(rows)):
        place = rows[part]
        fill, kind, patch, which, step = place.to(device).unbind(1)
        first = ranks[patch * many + which] < counts[step][:, None]
        # In a deletion the first pixels show the reference image, in an insertion all others.
        gone = (first == (kind == 1)[:, None]).view(-1, 1, height, width)
        mixed = torch.where(gone, fills[fill, patch], images[patch])
        curves[place.unbind(1)] = probe.probability(mixed, targets[patch]).double().cpu()
    return curves.numpy()


def area(curves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area under curves over shares from 0 to 1 (trapezoids): (..., steps + 1) to (...)."""
    return np.asarray(np.trapezoid(curves, dx=1 / (curves.shape[-1] - 1), axis=-1))
