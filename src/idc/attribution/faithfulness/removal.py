"""Insertion and deletion: the probability while pixels go, and the gain over random maps."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

from idc.attribution.faithfulness.likeness import random_maps_like
from idc.attribution.faithfulness.plan import Filler
from idc.attribution.faithfulness.probe import Probe

BLUR = 0.1  # standard deviation of the blur, as a share of the patch's side
RANDOM_MAPS = 3  # sets the seeds of the draws apart
MeanCurves = dict[tuple[str, str, str], NDArray[np.float64]]


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


def removal_curves(
    probe: Probe, references: Sequence[Tensor], maps: NDArray[np.floating]
) -> list[dict[str, NDArray[np.float64]]]:
    """Insertion and deletion curves (RISE, Petsiuk et al. 2018) of several maps per patch.

    Deletion goes from the patch to the reference image, insertion from the reference image to the
    patch, both with the most important pixels first.

    Args:
        probe: What is measured on.
        references: What pixels are replaced with, float (N, 3, H, W) each.
        maps: float (N, M, H, W).

    Returns:
        For each reference image ``insertion`` and ``deletion``, float64 (N, M, steps + 1) in
        [0, 1]: the probability of the class; the n-th value is that with a share of n / steps of
        the pixels put in, or out.
    """
    patches, many, height, width = maps.shape
    ranks = pixel_ranks(maps.reshape(-1, height, width)).reshape(patches, many, -1)
    placed = torch.from_numpy(ranks).to(probe.images.device)
    return [_curves(probe, reference, placed) for reference in references]


def _curves(probe: Probe, reference: Tensor, ranks: Tensor) -> dict[str, NDArray[np.float64]]:
    """Curves of one reference image, (N, 3, H, W), by the ranks of the pixels, (N, M, H * W)."""
    images, targets, steps = probe.images, probe.targets, probe.plan.steps
    patches, many, pixels = ranks.shape
    height, width = images.shape[-2:]
    size, device = probe.forward_rows, images.device
    starts = range(0, patches, size)
    whole, nothing = (
        torch.cat([probe.probability(x[i : i + size], targets[i : i + size]) for i in starts])
        for x in (images, reference)
    )
    curves = torch.zeros(2, patches, many, steps + 1, dtype=torch.float64)
    for number, ends in enumerate(((nothing, whole), (whole, nothing))):
        for place, end in zip((0, steps), ends, strict=True):
            curves[number, :, :, place] = end.double().cpu()[:, None]
    ranks = ranks.reshape(-1, pixels)
    counts = torch.linspace(0, pixels, steps + 1).round().int().to(device)
    # One row for each kind of curve, map and step between the ends, which are measured above.
    rows = torch.cartesian_prod(
        torch.arange(2), torch.arange(patches * many), torch.arange(1, steps)
    )
    for start in range(0, len(rows), size):
        kind, which, step = rows[start : start + size].to(device).unbind(1)
        first = ranks[which] < counts[step][:, None]
        # In a deletion the first pixels show the reference image, in an insertion all others.
        gone = (first == (kind == 1)[:, None]).view(-1, 1, height, width)
        patch = which // many
        mixed = torch.where(gone, reference[patch], images[patch])
        probability = probe.probability(mixed, targets[patch]).double().cpu()
        curves[kind.cpu(), patch.cpu(), which.cpu() % many, step.cpu()] = probability
    return dict(zip(("insertion", "deletion"), curves.numpy(), strict=True))


def area(curves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area under curves over shares from 0 to 1 (trapezoids): (..., steps + 1) to (...)."""
    return np.asarray(np.trapezoid(curves, dx=1 / (curves.shape[-1] - 1), axis=-1))


def measure_gains(
    probe: Probe,
    references: Mapping[str, Tensor],
    maps: NDArray[np.float32],
    deciding: Collection[str],
) -> tuple[pd.DataFrame, MeanCurves]:
    """Areas of each patch, with those of its random maps, and the mean curves.

    Args:
        probe: What is measured on.
        references: Name to what pixels are replaced with, float (N, 3, H, W).
        maps: float32 (N, H, W).
        deciding: The reference images that verdicts rest on.

    Returns:
        One row per patch: ``probability``; means over the deciding reference images:
        ``probability_at_baseline``, ``insertion_auc``, ``deletion_auc``, both with ``_random``
        as well, and ``gain``; and for each reference image ``gain_<name>`` and
        ``probability_at_<name>``. And (reference image, ``method`` or ``random``, ``insertion`` or
        ``deletion``) to the mean curve, float64 (steps + 1,).
    """
    seeds = [(probe.plan.seed, RANDOM_MAPS, patch) for patch in range(len(maps))]
    random = random_maps_like(maps, probe.plan.random_maps, seeds)
    both = np.concatenate([maps[:, None].astype(np.float64), random], axis=1)
    parts, own = [], {}
    means: MeanCurves = {}
    for name, kinds in zip(
        references, removal_curves(probe, list(references.values()), both), strict=True
    ):
        part = {
            "probability": kinds["deletion"][:, 0, 0],
            "probability_at_baseline": kinds["deletion"][:, 0, -1],
        }
        for kind, curves in kinds.items():
            areas = area(curves)
            part[f"{kind}_auc"] = areas[:, 0]
            part[f"{kind}_auc_random"] = areas[:, 1:].mean(1)
            means[name, "method", kind] = curves[:, 0].mean(0)
            means[name, "random", kind] = curves[:, 1:].mean((0, 1))
        of_random = part["insertion_auc_random"] - part["deletion_auc_random"]
        part["gain"] = part["insertion_auc"] - part["deletion_auc"] - of_random
        own[f"gain_{name}"] = part["gain"]
        own[f"probability_at_{name}"] = part["probability_at_baseline"]
        if name in deciding:
            parts.append(part)
    shared = {column: np.mean([part[column] for part in parts], axis=0) for column in parts[0]}
    return pd.DataFrame(shared | own), means
