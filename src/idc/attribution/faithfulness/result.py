"""Measures and verdicts of the attribution methods of one model."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from idc.attribution.faithfulness.plan import FaithfulnessPlan
from idc.attribution.faithfulness.references import References
from idc.attribution.faithfulness.verdict import EMPTY, FAILS, MARKS, TRUST, method_sentence
from idc.metrics.resampling import FEW_PATIENTS
from idc.text import count

METRICS = (
    *("insertion_auc", "deletion_auc", "drop_over_random", "infidelity", "infidelity_share"),
    *("max_sensitivity", "randomisation_similarity", "randomisation_highest", "flat_share"),
    *("border_mass", "border_area", "completeness_error", "pointing_game", "localisation"),
    "signal_mass",
)
# Columns whose metrics have other names.
RENAMED = {f"drop_over_random_{end}": f"drop_over_random_ci_{end}" for end in ("low", "high")}


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
            - ``border_mass``, ``border_area``: see `place.border_measures`;
            - ``infidelity``, ``infidelity_share``, ``max_sensitivity``, ``completeness_error``;
            - ``pointing_game``, ``pointing_chance``, ``localisation``, ``signal_mass``,
              ``signal_area``: NaN where the signal is unknown, see `place.truth_measures`.
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
