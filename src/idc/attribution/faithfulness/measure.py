"""Measure how faithful attribution methods are to a model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from idc.attribution.faithfulness.map_measures import border_measures, is_flat, truth_measures
from idc.attribution.faithfulness.pixel_changes import (
    KINDS,
    OF_BRIGHTNESS,
    area,
    filled,
    infidelity,
    max_sensitivity,
    noise_effects,
    removal_curves,
    with_random,
)
from idc.attribution.faithfulness.plan import FaithfulnessPlan
from idc.attribution.faithfulness.probe import Probe
from idc.attribution.faithfulness.result import (
    Faithfulness,
    randomisation_rows,
    stages_summary,
    summarise,
)
from idc.attribution.faithfulness.verdict import References, decide_references
from idc.attribution.faithfulness.weights_check import measured_stages, similarities, weight_blocks
from idc.attribution.methods import Method
from idc.attribution.prepare import explainable_copy, gradients
from idc.errors import ConfigError
from idc.metrics.resampling import patient_clusters


def work_steps(model: nn.Module, patches: int, methods: int, plan: FaithfulnessPlan) -> int:
    """Total of the steps that `measure_faithfulness` reports to `advance`."""
    # Of each method its maps, its curves, its sensitivity, and its maps with shuffled weights.
    return patches * methods * (3 + len(weight_blocks(model)) * plan.shuffles)


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
        trained, errors = {}, {}
        for name, method in methods.items():
            trained[name], errors[name] = probe.maps(method)
            done(len(patches))
        brightness = with_random(probe, pixels.mean(1), 1, OF_BRIGHTNESS)[:, 1:]
        ranked = [with_random(probe, maps, plan.random_maps) for maps in trained.values()]
        curves = removal_curves(
            probe,
            [filled(pixels, name) for name in plan.baselines],
            np.concatenate([brightness, *ranked], axis=1),
        )
        done(len(patches) * len(methods))
        noise, change = noise_effects(probe)
        sensitivity = {}
        for name, method in methods.items():
            sensitivity[name] = max_sensitivity(probe, method, trained[name])
            done(len(patches))
        layers, similar = similarities(probe, methods, trained, done)
    owners = {name: own_references(method) for name, method in methods.items()}
    deletion = dict(zip(plan.baselines, curves[:, 1, :, 0], strict=True))
    references = decide_references(deletion, owners, before)
    units = patient_clusters(np.zeros(len(patients), np.int64), patients)
    moves = infidelity(np.zeros_like(brightness[:, 0]), noise, change)
    place = np.zeros(pixels[:, 0].shape, bool) if signal is None else signal
    many = 1 + plan.random_maps
    tables, means, checked, checks = [], [], [], {}
    for number, (name, maps) in enumerate(trained.items()):
        own = curves[:, :, :, 1 + number * many : 1 + (number + 1) * many]
        stages = measured_stages(similar[name])
        last = similar[name][stages[-1]] if len(stages) else np.nan
        value = infidelity(maps, noise, change)
        table = pd.DataFrame(
            {
                "method": name,
                "patch": np.arange(len(patches)),
                "patient": np.asarray(patients),
                **_gains(own, plan.baselines, references),
                "infidelity": value,
                "infidelity_share": np.divide(
                    value, moves, out=np.full_like(value, np.nan), where=moves > 0
                ).clip(None, 1),
                "max_sensitivity": sensitivity[name],
                "completeness_error": errors[name],
                "randomisation_similarity": last,
                "flat_share": is_flat(maps).astype(float),
            }
        )
        tables.append(
            pd.concat([table, border_measures(maps), truth_measures(maps, place)], axis=1)
        )
        means.append(_mean_curves(name, own, plan.baselines, references))
        checked.append(randomisation_rows(name, similar[name], layers, units, plan.seed))
        checks[name] = {
            **stages_summary(similar[name], layers, plan.max_similarity),
            "own_baselines": ",".join(owners[name]),
        }
    per_patch = pd.concat(tables, ignore_index=True)
    return Faithfulness(
        table=summarise(per_patch, checks, units, plan, references),
        per_patch=per_patch,
        curves=pd.concat(means, ignore_index=True),
        randomisation=pd.concat(checked, ignore_index=True),
        plan=plan,
        references=references,
    )


def own_references(method: Method) -> list[str]:
    """The reference images that a method itself uses; none for most."""
    own = getattr(method, "baselines", None) or getattr(method, "baseline", None) or []
    return [own] if isinstance(own, str) else list(own)


def _gains(
    curves: NDArray[np.float64], names: Sequence[str], references: References
) -> dict[str, NDArray[np.float64]]:
    """Areas and gains of each patch, means over the references that decide, and each gain.

    Of one method, its random maps behind it: `curves` (R, 2, N, 1 + random maps, steps + 1).
    """
    areas = area(curves)
    own, random = areas[..., 0], areas[..., 1:].mean(-1)
    gain = (own[:, 0] - own[:, 1]) - (random[:, 0] - random[:, 1])
    ends = curves[:, 1, :, 0, -1]
    decide = [name in references.deciding for name in names]
    return {
        "probability": curves[0, 1, :, 0, 0],
        "probability_at_baseline": ends[decide].mean(0),
        **{f"{kind}_auc": own[decide, i].mean(0) for i, kind in enumerate(KINDS)},
        **{f"{kind}_auc_random": random[decide, i].mean(0) for i, kind in enumerate(KINDS)},
        "gain": gain[decide].mean(0),
        **{f"gain_{name}": gain[i] for i, name in enumerate(names)},
        **{f"probability_at_{name}": ends[i] for i, name in enumerate(names)},
    }


def _mean_curves(
    method: str, curves: NDArray[np.float64], names: Sequence[str], references: References
) -> pd.DataFrame:
    """The mean curves of a method and of its random maps; see `Faithfulness.curves`."""
    parts = [
        pd.DataFrame(
            {
                "method": method,
                "baseline": name,
                "decides": name in references.deciding,
                "maps": maps,
                "kind": kind,
                "share": np.linspace(0, 1, curves.shape[-1]),
                "probability": of_maps.mean((0, 1)),
            }
        )
        for i, name in enumerate(names)
        for j, kind in enumerate(KINDS)
        for maps, of_maps in (("method", curves[i, j, :, :1]), ("random", curves[i, j, :, 1:]))
    ]
    return pd.concat(parts, ignore_index=True)
