"""Options of decisions and their numbers: calibration, threshold, inference, intervals."""

from typing import Annotated, Literal

from idc.config.rules import either, list_of, number, one_of, text, whole
from idc.config.schema.kinds import AtLeast0, AtLeast1, OpenShare, Part, Positive, Probability, Seed
from idc.config.schema.option import option, part

TARGET = r"max_f1|youden|recall|precision|cost|fixed|(recall|precision)\s*>=\s*\S+"
Rule = Annotated[
    str,
    text(TARGET, "max_f1, youden, recall, precision, cost, fixed, recall>=0.95 or precision>=0.9"),
]

POSITIVE = number(lambda v: v > 0, "a number above 0")


@part
class Calibration:
    """How scores become probabilities, fitted on validation."""

    _target_: str = option("idc.metrics.calibration.CalibrationRule")
    method: Literal["none", "temperature", "platt", "isotonic"] = option(
        "temperature", "the method"
    )


@part
class Threshold:
    """The threshold that turns scores into decisions, chosen on validation."""

    _target_: str = option("idc.metrics.threshold.ThresholdRule")
    rule: Rule = option("max_f1", "max_f1 | youden | recall (screening) | precision | cost | fixed")
    target: Part = option(0.95, "recall, precision: what validation must reach")
    value: Probability = option(0.5, "fixed: the threshold")
    false_negative_cost: Positive = option(5.0, "cost: of a missed cancer, against")
    false_positive_cost: Positive = option(1.0, "cost: that of a false alarm")


@part
class Postprocess:
    """Smoothing over neighbouring patches of a slide: measured beside the plain scores."""

    _target_: str = option("idc.evaluation.postprocess.SmoothingRule")
    method: Literal["none", "median", "mean", "crf"] = option("none", "the method")
    windows: Annotated[list[int], list_of(one_of(3, 5, 7, 9), least=1)] = option(
        [3], "sides of the neighbourhood to try, in patches: 3 is the eight neighbours"
    )
    weights: Annotated[list[float], list_of(POSITIVE, least=1)] = option(
        [1.0], "mean, crf: weights of each neighbour to try; the patch itself counts 1"
    )


@part
class Inference:
    """How scores are made."""

    _target_: str = option("idc.evaluation.inference.Inference")
    views: Literal["one", "d4"] = option("one", "d4: the mean over the 8 flips and rotations")
    dropout_samples: Annotated[int, either(one_of(0), whole(2, 1000))] = option(
        0, "passes with dropout left on (Monte Carlo dropout)"
    )
    seed: Seed = option(0, "seed of the dropout")


@part
class Intervals:
    """Intervals of the metrics by bootstrap."""

    draws: AtLeast0 = option(2000, "draws; 0 turns them off")
    level: OpenShare = option(0.95, "coverage")


@part
class Export:
    """When a review corrects a label in corrections.csv."""

    _target_: str = option("idc.reader_study.export.ExportRule")
    least_readers: AtLeast1 = option(2, "readers who must have judged the patch")
    agreed: Literal["majority", "unanimous"] = option("majority", "how far they must agree")
    exclude_unsure: bool = option(True, "leave out cases of which most readers are unsure")
    blinded_only: bool = option(True, "verdicts given in sight of the model's answer do not count")
