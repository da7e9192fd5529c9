"""Measures and verdicts of the attribution methods of one model, with intervals over patients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.attribution.faithfulness.plan import FaithfulnessPlan
from idc.attribution.faithfulness.verdict import (
    EMPTY,
    FAILS,
    MARKS,
    TRUST,
    VERDICTS,
    References,
    judge,
    method_sentence,
)
from idc.attribution.faithfulness.weights_check import late_stages, measured_stages
from idc.metrics.grouped import share
from idc.metrics.resampling import FEW_PATIENTS, Clusters
from idc.metrics.spread import Spread
from idc.text import count

DRAWS = 2000
LEVEL = 0.95
SIMILARITY = "randomisation_similarity"
MOST_GAIN = 2.0  # a difference of two differences of areas in [0, 1]
MEANS = (
    *("probability", "probability_at_baseline", "insertion_auc", "deletion_auc"),
    *("insertion_auc_random", "deletion_auc_random", "flat_share", "border_mass", "border_area"),
    *("infidelity", "infidelity_share", "max_sensitivity", "completeness_error"),
    *("pointing_game", "pointing_chance", "localisation", "signal_mass", "signal_area"),
)
METRICS = (
    *("insertion_auc", "deletion_auc", "drop_over_random", "infidelity", "infidelity_share"),
    *("max_sensitivity", "randomisation_similarity", "randomisation_highest", "flat_share"),
    *("border_mass", "border_area", "completeness_error", "pointing_game", "localisation"),
    "signal_mass",
)
# Columns whose metrics have other names.
RENAMED = {f"drop_over_random_{end}": f"drop_over_random_ci_{end}" for end in ("low", "high")}


def mean_interval(
    values: NDArray[np.floating], units: Clusters, seed: int, most: float = np.inf
) -> tuple[float, float, float]:
    """Mean of values, float (N,), with its 95 % interval over patients; see `Spread`.

    NaN are left out; all three are NaN without values, the interval with fewer than two patients.
    No bound lies beyond `most`, the largest size of a value.
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
        units: The patients, whose resampling makes the intervals.
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

    Of similarities, float (stages, N), the first stage being the trained network, the layers
    shuffled last, (stages,), and the limit of the similarity.
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
    """Similarity, float (stages, N), after each stage, see `Faithfulness.randomisation`."""
    rows = [
        (method, stage, layer, *mean_interval(values, units, seed, 1.0), np.isfinite(values).mean())
        for stage, (layer, values) in enumerate(zip(layers, similarities, strict=True))
    ]
    return pd.DataFrame(
        rows, columns=["method", "stage", "layer", "similarity", "low", "high", "known"]
    )


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """How faithful some methods are to one model.

    Attributes:
        table: One row per method, those to trust first, then by `drop_over_random`:

            - ``method``, ``verdict`` (``trust``, ``not shown to beat random maps``, ``fails the
              weights check`` or ``says nothing``), ``reasons`` (words), ``patches``,
              ``own_baselines`` (reference images that the method uses, joined by commas),
              ``patients`` (over whom the intervals are);
            - ``drop_over_random``, ``_low``, ``_high``: by how much insertion minus deletion AUC
              is larger than with random maps of the same spectrum, in [-2, 2]: the mean over the
              reference images that decide, on which the verdict rests;
              ``drop_over_random_<baseline>``, ``_low``, ``_high``: with each;
            - ``probability``, ``probability_at_baseline``, ``probability_at_<baseline>``: of the
              class, in the patches and with every pixel taken out (mean over those that decide, and
              with each);
            - ``insertion_auc``, ``deletion_auc``, ``insertion_auc_random``,
              ``deletion_auc_random``: in [0, 1], means over those that decide;
            - ``randomisation_similarity``, ``_low``, ``_high``: with all weights shuffled; where
              the maps are empty by then, at the last stage where they are not, down to
              ``randomisation_layer`` (else empty); NaN where it is never measured;
            - ``randomisation_highest``: the highest similarity at any stage from that on where
              half of the ``randomisation_blocks`` are shuffled; ``randomisation_until``: the layer
              with which it falls below the limit for good, if it was above it then;
            - ``flat_share``: of the maps that are the same everywhere;
            - ``border_mass``, ``border_area``: see `border_measures`;
            - ``infidelity``, ``infidelity_share``, ``max_sensitivity``, ``completeness_error``;
            - ``pointing_game``, ``pointing_chance``, ``localisation``, ``signal_mass``,
              ``signal_area``: NaN where the signal is unknown, see `truth_measures`.
        per_patch: One row per method and patch: ``method``, ``patch`` (its place), ``patient``,
            ``gain`` (its part of `drop_over_random`) and the measures of the table.
        curves: One row per method, ``baseline``, ``decides`` (bool), ``maps`` (``method`` or
            ``random``), ``kind`` (``insertion`` or ``deletion``) and ``share`` of the pixels:
            ``probability``, the mean over patches.
        randomisation: One row per method and ``stage`` (0: as trained): ``layer`` (shuffled last),
            ``similarity`` (mean over patches, NaN where all maps are empty), ``low``,
            ``high``, ``known`` (share of patches with a similarity).
        plan: How it was measured.
        references: The reference images that replaced pixels, and those that decide.
    """

    table: pd.DataFrame
    per_patch: pd.DataFrame
    curves: pd.DataFrame
    randomisation: pd.DataFrame
    plan: FaithfulnessPlan
    references: References

    @property
    def metrics(self) -> dict[str, float]:
        """``<method>/<name>`` to value; unknown values are left out.

        ``passes`` is 1 for a method that passes the weights check, 0 for one that fails it or whose
        maps are empty; ``trusted`` 1 for one that is better than random maps as well.
        """
        metrics: dict[str, float] = {}
        own = (f"drop_over_random_{name}" for name in self.plan.baselines)
        columns = RENAMED | {name: name for name in (*METRICS, *own)}
        for row in self.table.to_dict("records"):
            named = {name: float(row[column]) for column, name in columns.items()}
            named["passes"] = float(row["verdict"] not in (FAILS, EMPTY))
            named["trusted"] = float(row["verdict"] == TRUST)
            metrics |= {f"{row['method']}/{k}": v for k, v in named.items() if np.isfinite(v)}
        return metrics

    @property
    def marks(self) -> dict[str, str]:
        """Every method that is not to be trusted, and why in a few words."""
        verdicts = zip(self.table["method"], self.table["verdict"], strict=True)
        return {method: MARKS[verdict] for method, verdict in verdicts if verdict in MARKS}

    def sentences(self) -> list[str]:
        """Which method to trust for this model, which not, and why."""
        rows: list[Mapping[str, object]] = self.table.to_dict("records")  # type: ignore[assignment]
        lines = [method_sentence(row) for row in rows]
        trusted = self.table.loc[self.table["verdict"] == TRUST, "method"].tolist()
        if not trusted:
            lines.insert(0, "No method is shown to be faithful to this model.")
        elif len(rows) > 1:
            lines.insert(0, f"For this model, trust {trusted[0]} first.")
        own = {str(row["method"]): str(row["own_baselines"]).split(",") for row in rows}
        lines += self.references.sentences(own)
        if (patients := int(self.table["patients"].iloc[0])) < FEW_PATIENTS:
            lines.append(
                f"The patches are of {count(patients, 'patient')} only: intervals over patients "
                "are wide, and little can be shown."
            )
        return lines
