"""Infidelity and max-sensitivity (Yeh et al. 2019), with the same draws for every method."""

import numpy as np
import torch
from numpy.typing import NDArray

from idc.attribution.faithfulness.probe import Probe
from idc.attribution.methods import Method

NOISE, SHIFTS = 1, 2  # set the seeds of the draws apart


def noise_effects(probe: Probe) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Noise of each patch, the same in the three channels, and by how much it lowers the logit.

    Returns:
        float32 (N, perturbations, H, W), and float64 (N, perturbations).
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
    before = [
        probe.logits(probe.images[part], probe.targets[part])
        for part in probe.parts(len(probe.images))
    ]
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
    """The largest relative change of a map when no pixel changes by more than `plan.radius`.

    Args:
        probe: What is measured on.
        method: Explains the model; called again on perturbed images.
        maps: Its maps of the patches, float (N, H, W).

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
