"""The effect of smoothing in sentences."""

from collections.abc import Mapping

import numpy as np

from idc.metrics.resampling import FEW_PATIENTS
from idc.slides.smoothing import SMALL, Effect
from idc.text import count

Row = Mapping[str, float]


def effect_sentences(effect: Effect, positive: str, level: float = 0.95) -> list[str]:
    """Describe what smoothing would change, and the limits of the estimate.

    Args:
        effect: From `idc.slides.smoothing.effect_of_smoothing`.
        positive: Name of class 1.
        level: Nominal coverage of the intervals.
    """
    rows = [{str(k): v for k, v in row.items()} for row in effect.table.to_dict("records")]
    base, best = rows[0], next(row for row in rows if row["chosen"])
    tried = len(rows) - 1
    rank = f"best of {tried} by validation log loss" if tried > 1 else "the only one tried"
    sentences = [
        f"Smoothing over neighbouring patches is not applied: all scores, decisions and metrics of "
        f"this run are without it. It {'would lower' if effect.better else 'would not lower'} the "
        f"validation log loss ({effect.chosen.describe()}, {rank}): "
        f"{_change(base, best, 'val/log_loss')}, difference {_difference(best, '', level)}.",
    ]
    if best["val/auroc"] < base["val/auroc"]:
        sentences.append(
            f"But it ranks the validation patches worse (AUROC "
            f"{_change(base, best, 'val/auroc')}): it {'improves' if effect.better else 'changes'} "
            f"only the confidence of the scores."
        )
    sentences += _decisions("On validation", "val", base, best, positive)
    if np.isfinite(best["recall_difference"]):
        sentences.append(
            f"The difference in validation recall is {_difference(best, 'recall_', level)}."
        )
    sentences += _small_regions("val", base, best, positive)
    if effect.patients == 1:
        sentences.append(
            "Validation has 1 patient, so there are no intervals and no evidence about others."
        )
    elif effect.patients < FEW_PATIENTS:
        sentences.append(
            f"Validation has {effect.patients} patients: intervals over so few cannot be trusted, "
            f"and are too narrow rather than too wide."
        )
    sentences.append(
        "The estimate is optimistic: the strength was chosen on the patches that it is evaluated "
        "on, and labels drawn as regions agree between neighbours by construction."
    )
    if "test/recall" in best:
        sentences += _decisions("For information only, on test", "test", base, best, positive)
        sentences += _small_regions("test", base, best, positive)
    return sentences


def _change(base: Row, best: Row, key: str) -> str:
    return f"{base[key]:.3f} without, {best[key]:.3f} with"


def _difference(row: Row, start: str, level: float) -> str:
    low, high = row[f"{start}low"], row[f"{start}high"]
    difference = f"{row[f'{start}difference']:+.3f}"
    if not np.isfinite(low):
        return f"{difference} (no interval)"
    return f"{difference} ({level:.0%} interval over patients {low:+.3f} to {high:+.3f})"


def _decisions(start: str, split: str, base: Row, best: Row, positive: str) -> list[str]:
    if not np.isfinite(best[f"{split}/missed"]):
        return [f"{start} no threshold could be chosen, so decisions cannot be compared."]
    parts = [
        f"{metric} {_change(base, best, f'{split}/{metric}')}"
        for metric in ("recall", "specificity")
        if np.isfinite(best[f"{split}/{metric}"])
    ]
    missed, regained = int(best[f"{split}/missed"]), int(best[f"{split}/regained"])
    return [
        f"{start}, at thresholds chosen by the run's own rule: {'; '.join(parts)}. Smoothing would "
        f"miss {missed:,} {positive} patches that are detected without it, and detect {regained:,} "
        f"that are missed without it."
    ]


def _small_regions(split: str, base: Row, best: Row, positive: str) -> list[str]:
    where = {"val": "validation", "test": "test"}[split]
    regions = int(best[f"{split}/small_regions"])
    small = f"small labelled {positive} {{}} (1 to {SMALL} patches) on {where}"
    if not regions:
        return [
            f"There are no {small.format('regions')}, so the effect on small lesions is unknown."
        ]
    if not np.isfinite(best[f"{split}/small_wiped_out"]):
        return []
    detected = int(base[f"{split}/small_found"])
    lost, won = int(best[f"{split}/small_wiped_out"]), int(best[f"{split}/small_won"])
    return [
        f"Of {count(regions, small.format('region'), small.format('regions'))}, {detected:,} "
        f"{'is' if detected == 1 else 'are'} detected without smoothing; it would lose {lost:,} of "
        f"these and gain {won:,} others."
    ]
