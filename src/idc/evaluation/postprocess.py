"""Smoothing over neighbouring patches: chosen on validation, measured beside the plain scores."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.config.build import Config, build
from idc.data.index import has_positions, is_multi_label
from idc.errors import DataError
from idc.evaluation.decision import Decider, fit_decider
from idc.evaluation.predictions import (
    Probabilities,
    decide,
    labels_of,
    probabilities_of,
    with_probabilities,
)
from idc.metrics.areas import areas_of
from idc.slides.smoothing import Smoother, find_neighbours

log = logging.getLogger(__name__)
SMOOTHED, NEIGHBOURS = "_smoothed", "neighbours"
FEW = 0.5  # share of patches with a neighbour below which smoothing is not worth its name


@dataclass(frozen=True)
class SmoothingRule:
    """How the smoother is chosen: the one with the highest average precision on validation.

    Attributes:
        method: ``none``, or a method of `idc.slides.smoothing.Smoother`.
        windows: The windows to try.
        weights: The weights to try; ``median`` has none.
    """

    method: Literal["none", "median", "mean", "crf"] = "none"
    windows: Sequence[int] = (3,)
    weights: Sequence[float] = (1.0,)

    @property
    def candidates(self) -> list[Smoother]:
        """One smoother per window and weight; empty for ``none``."""
        if self.method == "none":
            return []
        weights = (1.0,) if self.method == "median" else self.weights
        return [Smoother(self.method, w, float(x)) for w in self.windows for x in weights]

    def check(self, index: pd.DataFrame, patch_size: int) -> None:
        """Refuse data that cannot be smoothed, and warn of those where it changes little.

        Args:
            index: The index with ``split``.
            patch_size: Side of a patch in slide pixels.

        Raises:
            DataError: There are no positions, or no patch has a neighbour in its split.
        """
        if self.method == "none":
            return
        start = f"postprocess={self.method}"
        if is_multi_label(index):
            raise DataError(
                f"{start}: the images have several labels each, which cannot be smoothed. Set "
                f"postprocess=none."
            )
        if not has_positions(index):
            raise DataError(
                f"{start}: the data have no positions (x and y), so no patch has neighbours. Set "
                f"postprocess=none."
            )
        for split in ("val", "test"):
            frame = index[index["split"] == split]
            paired = np.any(find_neighbours(frame, patch_size, 3) >= 0, axis=1)
            if len(frame) and not paired.any():
                raise DataError(
                    f"{start}: no patch of the {split} split has a neighbour in it "
                    f"(data.patch_size={patch_size}). Set postprocess=none."
                )
            for note in few_neighbours(paired, split):
                log.warning("%s: %s", start, note)


def few_neighbours(paired: NDArray[np.bool_], split: str) -> list[str]:
    """The caveat of a split in which fewer than `FEW` of the patches have neighbours, or none."""
    if not len(paired) or (share := paired.mean()) >= FEW:
        return []
    return [
        f"Only {share:.0%} of the {split} patches have a neighbour in their own patient and "
        f"split, so smoothing changes little."
    ]


def fit_decision(val: pd.DataFrame, class_names: Sequence[str], config: Config) -> Decider:
    """Fit calibration, threshold and, if configured, smoothing on validation.

    Args:
        val: Scores of the validation split; see `idc.evaluation.predictions.raw_predictions`.
        class_names: One name per class.
        config: The run's configuration.

    Raises:
        DataError: Validation lacks a class.
    """
    classes = len(class_names)
    labels, raw = labels_of(val, classes), probabilities_of(val, classes)
    decider = fit_decider(labels, raw, config, class_names)
    rule: SmoothingRule = build(config["postprocess"], "postprocess")
    if not rule.candidates or not has_positions(val) or labels.ndim == 2:
        return decider
    size = config["data"]["patch_size"]
    neighbours = {window: find_neighbours(val, size, window) for window in rule.windows}
    tried = [(one, one.apply(raw, neighbours[one.window])) for one in rule.candidates]
    precision = [_average_precision(labels, smoothed) for _, smoothed in tried]
    smoother, smoothed = tried[int(np.argmax(precision))]
    note = (
        f"Smoothed figures: {smoother.describe()}, chosen on validation (average precision "
        f"{_average_precision(labels, raw):.3f} plain, {max(precision):.3f} smoothed)."
    )
    then = fit_decider(labels, smoothed, config)
    then = replace(then, notes=(note, *then.notes))
    return replace(decider, smoother=smoother, smoothed=then)


def _average_precision(labels: NDArray[np.int64], probabilities: Probabilities) -> float:
    """Of the positive class, or the mean over more than two."""
    classes = [1] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    areas = [areas_of(labels == c, probabilities[:, c])["average_precision"] for c in classes]
    return float(np.mean(areas))


def decide_split(
    frame: pd.DataFrame, decider: Decider, classes: int, patch_size: int
) -> pd.DataFrame:
    """Decide all patches of a split, with and without smoothing.

    Only the frame's own patches are neighbours: at the border of a random split the slide ends.

    Args:
        frame: See `idc.evaluation.predictions.raw_predictions`; a whole split.
        decider: Calibration and threshold.
        classes: k.
        patch_size: Side of a patch in slide pixels.

    Returns:
        See `idc.evaluation.predictions.decide`; if the decider smooths and there are positions,
        with ``score_smoothed`` (for k > 2 also ``score_smoothed_<class>``), calibrated,
        ``predicted_smoothed`` and ``neighbours``, the number of neighbours.
    """
    decided = decide(frame, decider, classes)
    smoother, then = decider.smoother, decider.smoothed
    if smoother is None or then is None or not has_positions(frame):
        return decided
    neighbours = find_neighbours(frame, patch_size, smoother.window)
    raw = smoother.apply(probabilities_of(frame, classes), neighbours)
    smoothed = decide(with_probabilities(frame, raw, "score_raw"), then, classes)
    scores = with_probabilities(
        decided, probabilities_of(smoothed, classes, "score"), f"score{SMOOTHED}"
    )
    return scores.assign(
        **{f"score{SMOOTHED}": smoothed["score"], f"predicted{SMOOTHED}": smoothed["predicted"]},
        **{NEIGHBOURS: (neighbours >= 0).sum(1)},
    )
