"""Infidelity and max-sensitivity (Yeh et al. 2019), by Captum."""

from collections.abc import Callable, Iterator
from typing import Literal

import captum.metrics
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from idc.attribution.faithfulness.probe import Probe
from idc.attribution.methods import Method
from idc.attribution.prepare import fresh, gradients

Law = Literal["normal", "uniform"]
TAGS: dict[Law, int] = {"normal": 1, "uniform": 2}  # set the seeds of the draws apart


def infidelity(probe: Probe, maps: NDArray[np.floating]) -> NDArray[np.float64]:
    """How badly a map predicts the effect of noise on the logit: mean squared error, >= 0.

    The noise is the same in the three channels, as a map has one value per pixel. The best factor
    for each map is taken (Captum's ``normalize``), so that methods of any scale can be compared.
    For a map of zeros it is the logit's mean squared change.

    Args:
        probe: What is measured on.
        maps: float (N, H, W).

    Returns:
        float64 (N,), in squared logits.
    """
    images, plan = probe.images, probe.plan
    spread = torch.from_numpy(np.asarray(maps, np.float32)).to(images.device)
    spread = (spread[:, None] / 3).repeat(1, 3, 1, 1)
    parts = [
        captum.metrics.infidelity(
            probe.model,
            _subtract(plan.noise * _draws(probe, part, "normal")),
            images[part],
            spread[part],
            target=probe.targets[part],
            n_perturb_samples=plan.perturbations,
            normalize=True,
        )
        for part in _parts(len(images), plan.perturbations, probe.forward_rows)
    ]
    return torch.cat(parts).double().cpu().numpy().clip(0)


def max_sensitivity(probe: Probe, method: Method) -> NDArray[np.float64]:
    """The largest relative change of the map when no pixel changes by more than `plan.radius`.

    Args:
        probe: What is measured on.
        method: Explains the model; called again on perturbed images.

    Returns:
        float64 (N,), >= 0: the norm of the change over the norm of the map; NaN beyond the first
        `plan.sensitivity_patches`.
    """
    images, plan = probe.images, probe.plan

    def maps_of(rows: Tensor | tuple[Tensor], target: Tensor) -> tuple[Tensor]:
        inputs = rows if isinstance(rows, Tensor) else rows[0]
        if len(target) == 1:  # Captum repeats the targets of several patches only
            target = target.expand(len(inputs))
        with gradients():  # Captum calls without
            result = method(probe.model, fresh(inputs, inputs.device), target)
        return (torch.from_numpy(result.maps),)  # Captum would take a lone tensor for a tuple

    largest = np.full(len(images), np.nan)
    chosen = min(len(images), plan.sensitivity_patches)
    for part in _parts(chosen, plan.perturbations, probe.batch_size):
        largest[part] = captum.metrics.sensitivity_max(
            maps_of,
            images[part],
            _add(plan.radius * _draws(probe, part, "uniform")),
            n_perturb_samples=plan.perturbations,
            target=probe.targets[part],
        ).numpy()
    return largest


def _subtract(change: Tensor) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    return lambda rows: (change.expand_as(rows), rows - change)


def _add(change: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda rows: rows + change


def _parts(patches: int, perturbations: int, rows_at_once: int) -> Iterator[slice]:
    """Patches whose perturbed images fit into a pass, one at least."""
    size = max(1, rows_at_once // perturbations)
    for start in range(0, patches, size):
        yield slice(start, min(start + size, patches))


def _draws(probe: Probe, part: slice, law: Law) -> Tensor:
    """Draws of each patch, from a seed of its own, whatever it is batched with.

    Standard normal (n * perturbations, 1, H, W), or uniform in [-1, 1] with three channels; a
    patch's draws stand together, as Captum repeats the images.
    """
    height, width = probe.images.shape[-2:]
    draws = []
    for patch in range(part.start, part.stop):
        rng = np.random.default_rng((probe.plan.seed, TAGS[law], patch))
        if law == "normal":
            draw = rng.standard_normal((probe.plan.perturbations, 1, height, width))
        else:
            draw = rng.uniform(-1, 1, (probe.plan.perturbations, 3, height, width))
        draws.append(draw.astype(np.float32))
    return torch.from_numpy(np.concatenate(draws)).to(probe.images.device)
