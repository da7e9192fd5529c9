"""From measures of single patches to the tables of `Faithfulness`, with intervals over patients."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.attribution.faithfulness.plan import FaithfulnessPlan
from idc.attribution.faithfulness.references import References
from idc.attribution.faithfulness.verdict import VERDICTS, judge
from idc.attribution.faithfulness.weights_check import late_stages, measured_stages
from idc.metrics.grouped import share
from idc.metrics.resampling import Clusters, patient_clusters
from idc.metrics.spread import Spread

DRAWS = 2000
LEVEL = 0.95
SIMILARITY = "randomisation_similarity"
MOST_GAIN = 2.0  # a difference of two differences of areas in [0, 1]
STAGE_COLUMNS = ("method", "stage", "layer", "similarity", "low", "high", "known")
MEANS = (
    *("probability", "probability_at_baseline", "insertion_auc", "deletion_auc"),
    *("insertion_auc_random", "deletion_auc_random", "flat_share", "border_mass", "border_area"),
    *("infidelity", "infidelity_share", "max_sensitivity", "completeness_error"),
    *("pointing_game", "pointing_chance", "localisation", "signal_mass", "signal_area"),
)


def units_of(patients: NDArray[Any]) -> Clusters:
    """The patients to resample.

    Args:
        patients: Patient of each patch, (N,).
    """
    return patient_clusters(np.zeros(len(patients), np.int64), patients)


def mean_interval(
    values: NDArray[np.floating], units: Clusters, seed: int, most: float = np.inf
) -> tuple[float, float, float]:
    """Mean over patches with its 95 % interval over patients; see `idc.metrics.spread`.

    Args:
        values: float (N,); NaN are left out.
        units: See `units_of`.
        seed: Fixes the draws.
        most: The largest size that a value can have: no bound lies beyond it.

    Returns:
        Mean, low and high; NaN without values, and no interval (NaN) with fewer than two patients.
    """
    finite = np.isfinite(values)
    if not finite.any():
        return (np.nan,) * 3
    sums = np.bincount(units.codes[finite], values[finite], units.count)
    counts = np.bincount(units.codes[finite], minlength=units.count)
    mean = float(sums.sum() / counts.sum())
    drawn, left_out = (
        share(weights @ sums, weights @ counts)
        for weights in (np.concatenate(list(units.draws(DRAWS, seed))), units.left_out())
    )
    min_error = float(values[finite].std() / np.sqrt(finite.sum()))
    spread = Spread(mean, drawn, left_out, int((counts > 0).sum()), min_error=min_error)
    low, high = spread.interval(LEVEL)
    return mean, max(low, -most), min(high, most)


def summarise(
    per_patch: pd.DataFrame,
    checks: Mapping[str, Mapping[str, object]],
    units: Clusters,
    plan: FaithfulnessPlan,
    references: References,
) -> pd.DataFrame:
    """One row per method, those to trust first, see `Faithfulness.table`.

    Args:
        per_patch: One row per method and patch, methods together and patches in order.
        checks: Method to its `stages_summary`.
        units: Whose resampling makes the intervals.
        plan: The limits and the seed.
        references: What decides.
    """
    gains = {f"drop_over_random_{name}": f"gain_{name}" for name in plan.baselines}
    intervals = {"drop_over_random": "gain", **gains, SIMILARITY: SIMILARITY}
    means = [*MEANS, *(f"probability_at_{name}" for name in plan.baselines)]
    rows = []
    for method, part in per_patch.groupby("method", sort=False):
        row: dict[str, object] = {"method": method}
        row |= {"patches": len(part), "patients": units.count}
        for name, column in intervals.items():
            most = 1.0 if name == SIMILARITY else MOST_GAIN
            values = part[column].to_numpy(float)
            mean, low, high = mean_interval(values, units, plan.seed, most)
            short = name.removesuffix("_similarity")
            row |= {name: mean, f"{short}_low": low, f"{short}_high": high}
        row |= checks[str(method)]
        row |= {name: float(part[name].mean()) for name in means}
        row["verdict"], row["reasons"] = judge(row, plan, references)
        rows.append(row)
    table = pd.DataFrame(rows)
    table["place"] = table["verdict"].map(VERDICTS.index)
    table = table.sort_values(["place", "drop_over_random"], ascending=[True, False], kind="stable")
    first = ["method", "verdict", "reasons", "patches", "patients"]
    rest = [c for c in table.columns if c not in [*first, "place"]]
    return table[first + rest].reset_index(drop=True)


def stages_summary(
    similarities: NDArray[np.float64], layers: Sequence[str], limit: float
) -> dict[str, object]:
    """Summary of the stages of the weights check, see `Faithfulness.table`.

    Args:
        similarities: float (stages, N), the first stage being the trained network.
        layers: What was shuffled last, (stages,).
        limit: Of the similarity.
    """
    last = len(layers) - 1
    means = {s: float(np.nanmean(similarities[s])) for s in measured_stages(similarities)}
    late = [means[stage] for stage in late_stages(similarities)]
    alike = [stage for stage in late_stages(similarities) if means[stage] > limit]
    used = max(means, default=0)
    return {
        "randomisation_highest": max(late, default=np.nan),
        "randomisation_blocks": last,
        "randomisation_layer": layers[used] if 0 < used < last else "",
        "randomisation_until": layers[alike[-1] + 1] if alike and alike[-1] < used else "",
    }


def randomisation_rows(
    method: str,
    similarities: NDArray[np.float64],
    layers: Sequence[str],
    units: Clusters,
    seed: int,
) -> pd.DataFrame:
    """Similarity after each stage, see `Faithfulness.randomisation`.

    Args:
        method: Its name.
        similarities: float (stages, N).
        layers: What was shuffled last, (stages,).
        units: Whose resampling makes the intervals.
        seed: Of the draws.
    """
    rows = [
        (method, stage, layer, *mean_interval(values, units, seed, 1.0), np.isfinite(values).mean())
        for stage, (layer, values) in enumerate(zip(layers, similarities, strict=True))
    ]
    return pd.DataFrame(rows, columns=list(STAGE_COLUMNS))
