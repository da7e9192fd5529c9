"""From probabilities to decisions: calibration and threshold, fitted on validation."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idc.config.build import Config, build
from idc.errors import CheckpointError, DataError, IdcError, first_line
from idc.evaluation.inference import Inference
from idc.metrics.calibration import Calibration, CalibrationRule
from idc.metrics.label_thresholds import LabelThresholds, choose_thresholds
from idc.metrics.threshold import ThresholdRule
from idc.runtime.atomic import write_text
from idc.slides.smoothing import Smoother

log = logging.getLogger(__name__)
FILE = "decision.json"


@dataclass(frozen=True)
class Decider:
    """Calibration and threshold.

    Attributes:
        calibration: Corrects the network's probabilities.
        threshold: ``score >= threshold`` is positive; None for k > 2 and for several labels.
        rule: How the threshold, or each label's, was chosen; None for k > 2.
        inference: How the scores were made on which it was fitted.
        notes: Caveats of the decisions, in sentences.
        smoother: Smooths scores over neighbouring patches; None where nothing is smoothed.
        smoothed: Calibration and threshold of smoothed scores; None without a smoother.
        thresholds: Those of several labels; None where each image has one label.
    """

    calibration: Calibration
    threshold: float | None
    rule: ThresholdRule | None
    inference: Inference
    notes: tuple[str, ...] = ()
    smoother: Smoother | None = None
    smoothed: "Decider | None" = None
    thresholds: LabelThresholds | None = None

    def save(self, folder: Path) -> None:
        """Write ``decision.json``."""
        write_text(folder / FILE, json.dumps(self._content(), indent=2) + "\n")

    def _content(self) -> dict[str, Any]:
        rule = self.rule
        content: dict[str, Any] = {
            "threshold": self.threshold,
            "rule": rule and {"words": rule.describe(), **vars(rule)},
            "calibration": self.calibration.to_dict(),
            "inference": self.inference.to_dict(),
            "notes": list(self.notes),
        }
        if self.thresholds is not None:
            content["thresholds"] = vars(self.thresholds)
        if self.smoother is not None and self.smoothed is not None:
            content["smoother"] = vars(self.smoother)
            content["smoothed"] = self.smoothed._content()
        return content


def load_decider(path: Path) -> Decider:
    """Read ``decision.json``.

    Raises:
        CheckpointError: It is damaged.
    """
    try:
        return _read(json.loads(path.read_text(encoding="utf-8")))
    except KeyError as error:
        raise CheckpointError(
            f"{path}: this is not a decision of an idc run: it lacks {error}."
        ) from error
    except (OSError, ValueError, TypeError, AttributeError, IdcError) as error:
        raise CheckpointError(
            f"{path}: this is not a decision of an idc run ({first_line(error)})."
        ) from error


def _read(content: Mapping[str, Any]) -> Decider:
    rule = content["rule"]
    if rule is not None:
        rule = ThresholdRule(**{k: v for k, v in rule.items() if k != "words"})
    threshold = content["threshold"]
    if threshold is not None and not 0 <= float(threshold) <= 1:
        raise ValueError(f"threshold={threshold} is no probability")
    smoother, smoothed = content.get("smoother"), content.get("smoothed")
    labels = content.get("thresholds")
    return Decider(
        Calibration.from_dict(content["calibration"]),
        threshold,
        rule,
        Inference(**content["inference"]),
        tuple(content.get("notes", ())),
        None if smoother is None else Smoother(**smoother),
        None if smoothed is None else _read(smoothed),
        labels and LabelThresholds(*(tuple(labels[name]) for name in ("each", "own"))),
    )


def fit_decider(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    config: Config,
    class_names: Sequence[str] = (),
) -> Decider:
    """Fit calibration and threshold on validation.

    Args:
        labels: Of the validation split, int64 (N,); of several labels (N, k), 0 or 1.
        probabilities: The network's, float64 (N, k).
        config: The resolved configuration.
        class_names: One name per class; needed for several labels.

    Raises:
        DataError: Validation lacks a class.
    """
    how: CalibrationRule = build(config["calibration"], "calibration")
    calibration = how.fit(labels, probabilities)
    inference: Inference = build(config["inference"], "inference")
    rule: ThresholdRule = build(config["threshold"], "threshold")
    if labels.ndim == 2:
        scores = calibration.apply(probabilities, multi_label=True)
        thresholds = choose_thresholds(rule, labels, scores)
        notes = tuple(thresholds.note(class_names))
        return Decider(calibration, None, rule, inference, notes, thresholds=thresholds)
    if probabilities.shape[1] > 2:
        return Decider(calibration, None, None, inference)
    scores = calibration.apply(probabilities)[:, 1]
    try:
        return Decider(calibration, rule.choose(labels, scores), rule, inference)
    except DataError as error:
        if rule.rule != "precision":
            raise
        # After hours of training a threshold that falls short is worth more than none.
        rule = ThresholdRule("max_f1")
        note = f"{first_line(error)} The threshold is the one with the best validation F1 instead."
        log.warning("%s", note)
        return Decider(calibration, rule.choose(labels, scores), rule, inference, (note,))
