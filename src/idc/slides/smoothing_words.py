"""The effect of smoothing in sentences."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

FEW_PATIENTS = 10  # fewer tell little about other patients
Row = Mapping[str, float]


def effect_sentences(
    table: pd.DataFrame, patients: int, positive: str, level: float, small: int
) -> tuple[str, ...]:
    """What smoothing would change, that it is not applied, and what to doubt of it.

    Args:
        table: See `idc.slides.smoothing.effect_of_smoothing`.
        patients: Patients of the validation split.
        positive: Name of class 1.
        level: Of the intervals.
        small: Patches of the largest region that counts as small.
    """
    rows = [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]
    base, best = rows[0], next(row for row in rows if row["chosen"])
    better = best["val/log_loss"] < base["val/log_loss"]
    name = f"{best['smoother']} of strength {best['strength']:g}"
    tried = len(rows) - 1
    of = f"best of {tried} by validation log loss" if tried > 1 else "the only one tried"
    said = [
        f"Smoothing over neighbouring patches is not applied: every score, decision and metric of "
        f"this run is without it. It {'would lower' if better else 'would not lower'} the "
        f"validation log loss ({name}, {of}): {_change(base, best, 'val/log_loss')}, "
        f"difference {_difference(best, '', level)}.",
    ]
    if best["val/auroc"] < base["val/auroc"]:
        said.append(
            f"But it orders the validation patches worse (AUROC "
            f"{_change(base, best, 'val/auroc')}): what it {'gains' if better else 'changes'} is "
            f"how sure the scores are."
        )
    said += _decisions("On validation", "val", base, best, positive)
    if np.isfinite(best["recall_difference"]):
        said.append(
            f"The difference of the validation recall is {_difference(best, 'recall_', level)}."
        )
    said += _small("val", base, best, positive, small)
    if patients < FEW_PATIENTS:
        said.append(
            f"Validation has {patients} patient{'' if patients == 1 else 's'}: "
            + (
                "of one there is no interval, and nothing is told about others."
                if patients == 1
                else "intervals over so few cannot be trusted, the narrow ones least, and say "
                "little about other patients."
            )
        )
    said.append(
        "The strength was chosen on the patches that it is judged on here, and labels that were "
        "drawn as regions agree between neighbours by the way they were made: both flatter "
        "smoothing."
    )
    if "test/recall" in best:
        said += _decisions("For the record only, on test", "test", base, best, positive)
        said += _small("test", base, best, positive, small)
    return tuple(said)


def _change(base: Row, best: Row, key: str) -> str:
    return f"{base[key]:.3f} without, {best[key]:.3f} with"


def _difference(row: Row, start: str, level: float) -> str:
    low, high = row[f"{start}low"], row[f"{start}high"]
    told = f"{row[f'{start}difference']:+.3f}"
    if not np.isfinite(low):
        return f"{told} (no interval)"
    return f"{told} ({level:.0%} interval over patients {low:+.3f} to {high:+.3f})"


def _decisions(start: str, split: str, base: Row, best: Row, positive: str) -> list[str]:
    if not np.isfinite(best[f"{split}/missed"]):
        return [f"{start} no threshold could be chosen, so nothing is said of decisions."]
    parts = [
        f"{metric} {_change(base, best, f'{split}/{metric}')}"
        for metric in ("recall", "specificity")
        if np.isfinite(best[f"{split}/{metric}"])
    ]
    missed, regained = int(best[f"{split}/missed"]), int(best[f"{split}/regained"])
    return [
        f"{start}, at thresholds chosen by the run's own rule: {'; '.join(parts)}. It would miss "
        f"{missed:,} {positive} patches that are found without it, and find {regained:,} that are "
        f"missed without it."
    ]


def _small(split: str, base: Row, best: Row, positive: str, small: int) -> list[str]:
    where = {"val": "validation", "test": "test"}[split]
    regions = int(best[f"{split}/small_regions"])
    if not regions:
        return [
            f"There are no small labelled {positive} regions (1 to {small} patches) on {where}: "
            f"what smoothing would do to small lesions cannot be seen there."
        ]
    if not np.isfinite(best[f"{split}/small_wiped_out"]):
        return []
    found, wiped, won = (
        int(row[f"{split}/{key}"])
        for row, key in ((base, "small_found"), (best, "small_wiped_out"), (best, "small_won"))
    )
    return [
        f"Of {regions:,} small labelled {positive} regions (1 to {small} patches) on {where}, "
        f"{found:,} are found without smoothing; it would wipe out {wiped:,} of these and find "
        f"{won:,} others."
    ]
