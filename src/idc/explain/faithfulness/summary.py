"""From measures of single patches to the tables of `Faithfulness`."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.explain.faithfulness.intervals import mean_interval
from idc.explain.faithfulness.plan import FaithfulnessPlan
from idc.explain.faithfulness.verdict import VERDICTS, judge
from idc.metrics.resampling import Units

MEANS = (
    "probability",
    "probability_at_baseline",
    "insertion_auc",
    "deletion_auc",
    "insertion_auc_random",
    "deletion_auc_random",
    "infidelity",
    "infidelity_share",
    "max_sensitivity",
    "completeness_error",
    "pointing_game",
    "pointing_chance",
    "localisation",
    "signal_mass",
    "signal_area",
)


def summarise(per_patch: pd.DataFrame, units: Units, plan: FaithfulnessPlan) -> pd.DataFrame:
    """A row a method, those to trust first, see `Faithfulness.table`.

    Args:
        per_patch: A row a method and patch, methods together and patches in order.
        units: Whose resampling makes the intervals.
        plan: Limit of the weights check and the seed.
    """
    rows = []
    for method, part in per_patch.groupby("method", sort=False):
        row: dict[str, object] = {"method": method, "patches": len(part), "unit": units.kind}
        for name, column in (
            ("drop_over_random", "gain"),
            ("randomisation_similarity", "randomisation_similarity"),
        ):
            mean, low, high = mean_interval(part[column].to_numpy(float), units, plan.seed)
            short = name.removesuffix("_similarity")
            row |= {name: mean, f"{short}_low": low, f"{short}_high": high}
        row |= {name: float(part[name].mean()) for name in MEANS}
        row["verdict"], row["reasons"] = judge(row, plan.max_similarity)
        rows.append(row)
    table = pd.DataFrame(rows)
    table["place"] = table["verdict"].map(VERDICTS.index)
    table = table.sort_values(["place", "drop_over_random"], ascending=[True, False], kind="stable")
    first = ["method", "verdict", "reasons", "patches", "unit"]
    rest = [c for c in table.columns if c not in [*first, "place"]]
    return table[first + rest].reset_index(drop=True)


def curve_rows(
    method: str, curves: Mapping[tuple[str, str], NDArray[np.float64]], steps: int
) -> pd.DataFrame:
    """Mean curves of a method, see `Faithfulness.curves`.

    Args:
        method: Its name.
        curves: (maps, kind) to the mean curve, float (steps + 1,).
        steps: Steps from nothing to all.
    """
    shares = np.linspace(0, 1, steps + 1)
    parts = [
        pd.DataFrame(
            {"method": method, "maps": maps, "kind": kind, "share": shares, "probability": curve}
        )
        for (maps, kind), curve in curves.items()
    ]
    return pd.concat(parts, ignore_index=True)


def randomisation_rows(
    method: str,
    similarities: NDArray[np.float64],
    layers: Sequence[str],
    units: Units,
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
        (method, stage, layer, *mean_interval(values, units, seed))
        for stage, (layer, values) in enumerate(zip(layers, similarities, strict=True))
    ]
    return pd.DataFrame(rows, columns=["method", "stage", "layer", "similarity", "low", "high"])
