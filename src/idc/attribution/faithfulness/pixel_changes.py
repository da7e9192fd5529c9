"""What changed pixels do to the probability, the logit and the maps."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from idc.attribution.faithfulness.map_measures import random_maps_like
from idc.attribution.faithfulness.plan import Filler
from idc.attribution.faithfulness.probe import Probe
from idc.attribution.methods import Method

BLUR = 0.1  # standard deviation of the blur, as a share of the patch's side
KINDS = ("insertion", "deletion")
OF_METHODS, OF_BRIGHTNESS = 3, 5  # set the seeds of the random maps apart
NOISE, SHIFTS = 1, 2  # set the seeds of the draws apart


def filled(images: NDArray[np.float32], kind: Filler) -> NDArray[np.float32]:
    """What pixels of images in [0, 1] are replaced with; both float32 (N, 3, H, W).

    `kind` is one of `FaithfulnessPlan.baselines`.
    """
    if kind == "blur":
        width = BLUR * max(images.shape[-2:])
        return np.asarray(gaussian_filter(images, (0, 0, width, width)), np.float32)
    if kind == "mean":
        return np.broadcast_to(images.mean((2, 3), keepdims=True), images.shape).copy()
    return np.full_like(images, {"white": 1.0, "grey": 0.5, "black": 0.0}[kind])


def pixel_ranks(maps: NDArray[np.floating]) -> NDArray[np.int32]:
    """Place of each pixel of maps, float (M, H, W), 0 for the most important, int32 (M, H * W).

    Pixels of the same value (a Grad-CAM is 0 over wide parts) follow their surroundings, those
    nearer to important ones first: any order of its own, such as row by row, would cut holes that
    are not in the map.
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
    patch, both with the most important pixels first. `references` are R of float32 (N, 3, H, W),
    `maps` float (N, M, H, W).

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


def noise_effects(probe: Probe) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Noise of each patch, the same in the three channels, and by how much it lowers the logit.

    Both float, (N, perturbations, H, W) and (N, perturbations).
    """
    plan, (height, width) = probe.plan, probe.images.shape[-2:]
    shape = (plan.perturbations, height, width)
    draws = [
        np.random.default_rng((plan.seed, NOISE, patch)).standard_normal(shape).astype(np.float32)
        for patch in range(len(probe.images))
    ]
    noise = np.float32(plan.noise) * np.stack(draws)
    flat = torch.from_numpy(noise).reshape(-1, 1, height, width).to(probe.images.device)
    patch = torch.arange(len(noise), device=flat.device).repeat_interleave(plan.perturbations)
    changed = [
        probe.logits(probe.images[patch[part]] - flat[part], probe.targets[patch[part]])
        for part in probe.parts(len(flat))
    ]
    parts = probe.parts(len(probe.images))
    before = [probe.logits(probe.images[part], probe.targets[part]) for part in parts]
    change = torch.cat(before)[patch] - torch.cat(changed)
    return noise, change.double().cpu().numpy().reshape(noise.shape[:2])


def infidelity(
    maps: NDArray[np.floating], noise: NDArray[np.float32], change: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How badly maps predict the effect of noise on the logit: mean squared error, >= 0.

    The best factor for each map is taken, so that methods of any scale can be compared; for a map
    of zeros it is the logit's mean squared change.

    Args:
        maps: float (..., N, H, W).
        noise: float (N, n, H, W).
        change: float (N, n); see `noise_effects`.

    Returns:
        float64 (..., N), in squared logits.
    """
    predicted = np.einsum("...ihw,ijhw->...ij", maps.astype(np.float64), noise)
    squares = (predicted**2).sum(-1)
    factor = (predicted * change).sum(-1) / np.where(squares > 0, squares, 1)
    return np.asarray(((factor[..., None] * predicted - change) ** 2).mean(-1))


def max_sensitivity(probe: Probe, method: Method, maps: NDArray[np.float32]) -> NDArray[np.float64]:
    """The largest relative change of maps, (N, H, W), as pixels change by at most `plan.radius`.

    Returns:
        float64 (N,), >= 0: the norm of the change over the norm of the map; NaN beyond the first
        `plan.sensitivity_patches`.
    """
    plan, count = probe.plan, min(len(maps), probe.plan.sensitivity_patches)
    largest = np.full(len(maps), np.nan)
    if not count:
        return largest
    shape = (plan.perturbations, *probe.images.shape[1:])
    draws = [
        np.random.default_rng((plan.seed, SHIFTS, patch)).uniform(-1, 1, shape).astype(np.float32)
        for patch in range(count)
    ]
    patch = np.arange(count).repeat(plan.perturbations)
    shifts = plan.radius * torch.from_numpy(np.concatenate(draws)).to(probe.images.device)
    moved, _ = probe.maps(method, probe.images[patch] + shifts, probe.targets[patch])
    change = np.linalg.norm((moved - maps[patch]).reshape(len(patch), -1), axis=1)
    size = np.linalg.norm(maps[:count].reshape(count, -1), axis=1)
    largest[:count] = change.reshape(count, -1).max(1) / np.where(size > 0, size, 1)
    return largest
