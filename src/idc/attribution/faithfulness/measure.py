"""Measure how faithful attribution methods are to a model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from idc.attribution.faithfulness.likeness import is_flat
from idc.attribution.faithfulness.local import infidelity, max_sensitivity
from idc.attribution.faithfulness.place import border_measures, truth_measures
from idc.attribution.faithfulness.plan import FaithfulnessPlan
from idc.attribution.faithfulness.probe import Probe
from idc.attribution.faithfulness.references import decide_references
from idc.attribution.faithfulness.removal import filled, measure_gains
from idc.attribution.faithfulness.result import Faithfulness
from idc.attribution.faithfulness.summary import (
    curve_rows,
    randomisation_rows,
    stages_summary,
    summarise,
    units_of,
)
from idc.attribution.faithfulness.weights_check import measured_stages, similarities, weight_blocks
from idc.attribution.methods import Method
from idc.attribution.prepare import explainable_copy, gradients
from idc.errors import ConfigError

PARTS = 3  # maps, curves, and the local measures


def work_steps(model: nn.Module, patches: int, methods: int, plan: FaithfulnessPlan) -> int:
    """Total of the steps that `measure_faithfulness` reports to `advance`.

    Args:
        model: The model.
        patches: Number of patches.
        methods: Number of methods.
        plan: The plan.
    """
    return patches * (1 + methods * (PARTS + len(weight_blocks(model)) * plan.shuffles))


def measure_faithfulness(
    model: nn.Module,
    patches: NDArray[np.uint8],
    targets: NDArray[np.int64],
    patients: NDArray[Any],
    methods: Mapping[str, Method],
    plan: FaithfulnessPlan,
    batch_size: int = 16,
    device: torch.device | str = "cpu",
    signal: NDArray[np.bool_] | None = None,
    advance: Callable[[int], None] | None = None,
    before: Sequence[str] = (),
) -> Faithfulness:
    """Measure how well maps agree with the behaviour of the network.

    Patches whose class has a high probability are the most informative: where it is near 0, there
    is nothing to take away.

    Args:
        model: float (N, 3, H, W) in [0, 1] to logits (N, k). It is copied and stays as it is.
        patches: uint8 (N, H, W, 3), N > 0; all of them are used.
        targets: int64 (N,), the class to explain.
        patients: Patient of each patch, (N,); intervals are over patients.
        methods: Name to method, at least one.
        plan: How it is measured.
        batch_size: Images at once that maps are made of; four times as many without gradients.
            Results do not depend on it, but for rounding.
        device: Where to compute.
        signal: Where the true signal is, if the data set provides it: bool (N, H, W). Patches
            without any are left out of the measures of place.
        advance: Called with the part of `work_steps` done since the last call.
        before: The reference images that decided when the run was explained first.

    Raises:
        ConfigError: There are no patches or no methods.
    """
    if not len(patches) or not methods:
        raise ConfigError(
            "explain.faithfulness: there is no patch or no method to measure; choose a method "
            "(explain=gradcam) or turn it off (explain.faithfulness.patches=0)."
        )
    done = advance or (lambda _: None)
    pixels = np.ascontiguousarray(patches.transpose(0, 3, 1, 2), np.float32) / np.float32(255)
    with gradients():
        probe = Probe(
            explainable_copy(model, device),
            torch.from_numpy(pixels).to(device),
            torch.tensor(np.asarray(targets, np.int64), device=device),
            plan,
            batch_size,
        )
        images: dict[str, torch.Tensor] = {
            name: torch.from_numpy(filled(pixels, name)).to(device) for name in plan.baselines
        }
        owners = {name: own_references(method) for name, method in methods.items()}
        references = decide_references(probe, images, owners, before)
        done(len(patches))
        moves = infidelity(probe, np.zeros_like(pixels[:, 0]))
        trained, tables, curves = {}, [], []
        for name, method in methods.items():
            trained[name], errors = probe.maps(method)
            done(len(patches))
            table, means = measure_gains(probe, images, trained[name], references.deciding)
            curves.append(curve_rows(name, means, plan.steps, references.deciding))
            done(len(patches))
            value = infidelity(probe, trained[name])
            share = np.divide(value, moves, out=np.full_like(value, np.nan), where=moves > 0)
            table["infidelity"], table["infidelity_share"] = value, share.clip(None, 1)
            table["max_sensitivity"] = max_sensitivity(probe, method)
            table["completeness_error"] = errors
            done(len(patches))
            tables.append(table)
        layers, similar = similarities(probe, methods, trained, done)
    units = units_of(patients)
    place = np.zeros(pixels[:, 0].shape, bool) if signal is None else signal
    for table, (name, maps) in zip(tables, trained.items(), strict=True):
        table.insert(0, "method", name)
        table.insert(1, "patch", np.arange(len(patches)))
        table.insert(2, "patient", np.asarray(patients))
        stages = measured_stages(similar[name])
        table["randomisation_similarity"] = similar[name][stages[-1]] if len(stages) else np.nan
        table["flat_share"] = is_flat(maps).astype(float)
        for more in (border_measures(maps), truth_measures(maps, place)):
            table[more.columns] = more
    per_patch = pd.concat(tables, ignore_index=True)
    checked = [randomisation_rows(n, s, layers, units, plan.seed) for n, s in similar.items()]
    checks = {
        name: {
            **stages_summary(similarities, layers, plan.max_similarity),
            "own_baselines": ",".join(owners[name]),
        }
        for name, similarities in similar.items()
    }
    return Faithfulness(
        table=summarise(per_patch, checks, units, plan, references),
        per_patch=per_patch,
        curves=pd.concat(curves, ignore_index=True),
        randomisation=pd.concat(checked, ignore_index=True),
        plan=plan,
        references=references,
    )


def own_references(method: Method) -> list[str]:
    """The reference images that a method itself uses; none for most."""
    own = getattr(method, "baselines", None) or getattr(method, "baseline", None) or []
    return [own] if isinstance(own, str) else list(own)
