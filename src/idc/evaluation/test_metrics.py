"""The numbers of a test split: metrics, intervals, tables by patient, slice and coverage."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.config.build import Config
from idc.data.audit.findings import EXCLUDED, RELABELLED
from idc.data.corrections import count_corrected
from idc.data.facts import COLOURS
from idc.data.index import is_multi_label
from idc.evaluation.decision import Decider
from idc.evaluation.per_label import (
    decisions_by_slice,
    decisions_per_patient,
    decisions_table,
    label_metrics,
    per_label_table,
)
from idc.evaluation.postprocess import NEIGHBOURS, SMOOTHED, few_neighbours
from idc.evaluation.predictions import labels_of, prediction_of, probabilities_of
from idc.evaluation.smoothing_table import is_smoothed, smoothing_table
from idc.metrics.bootstrap import Intervals, bootstrap
from idc.metrics.calibration_error import ERRORS, calibration_metrics
from idc.metrics.per_patient import burden_summary, per_patient_table, worst_patient
from idc.metrics.resampling import FEW_PATIENTS
from idc.metrics.selective_prediction import confidence, risk_coverage, selective_metrics
from idc.metrics.slice_columns import slice_columns
from idc.metrics.slice_table import slice_metrics, slice_table
from idc.metrics.statistics import occurs_with_both, statistics_of
from idc.text import count, per_cent

HALF = "_at_0.5"


@dataclass(frozen=True)
class Numbers:
    """The metrics and tables of a test split.

    Attributes:
        metrics: Named ``test/...``; what is undefined is left out.
        per_patient: See `idc.metrics.per_patient.per_patient_table`.
        slices: See `idc.metrics.slice_table.slice_table`.
        risk_coverage: See `idc.metrics.selective_prediction.risk_coverage`.
        interval_words: How the intervals were drawn.
        notes: Caveats of the metrics, in sentences.
        smoothing: See `idc.evaluation.smoothing_table.smoothing_table`; empty without smoothing.
        per_label: See `idc.evaluation.per_label.per_label_table`; empty for two classes. Where an
            image may have several labels, the other tables are of all decisions, one per image and
            label.
    """

    metrics: dict[str, float]
    per_patient: pd.DataFrame
    slices: pd.DataFrame
    risk_coverage: pd.DataFrame
    interval_words: str
    notes: list[str]
    smoothing: pd.DataFrame = field(default_factory=pd.DataFrame)
    per_label: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by the names of their files."""
        return {
            "per_patient": self.per_patient,
            "slices": self.slices,
            "risk_coverage": self.risk_coverage,
            "smoothing": self.smoothing,
            "per_label": self.per_label,
        }


def take_numbers(
    test: pd.DataFrame,
    index: pd.DataFrame,
    classes: int,
    config: Config,
    decider: Decider | None,
    leaky: bool = False,
    class_names: Sequence[str] = ("negative", "positive"),
) -> Numbers:
    """Measure the decisions on a test split.

    Args:
        test: Decided predictions; see `idc.evaluation.predictions.decide`.
        index: The whole index, or all patches that were tested: neighbours on the slide, and the
            training patches' stain.
        classes: k.
        config: ``intervals`` is read.
        decider: What made the decisions; None where each fold has its own.
        leaky: Whether patients are in two splits.
        class_names: One name per class; needed for more than two, or several labels.
    """
    assert len(class_names) == classes
    notes = [*leak_notes(leaky), *correction_notes(test, index)]
    labels, multi_label = labels_of(test, classes), is_multi_label(test)
    if multi_label:
        notes += _absent_labels(labels, class_names)
    elif test["label"].nunique() < classes:
        notes.append("The test split lacks a class: some metrics are undefined and left out.")
    metrics = metrics_of(test, classes, HALF) | _calibration_metrics(test, classes)
    intervals, draws, level = None, config["intervals"]["draws"], config["intervals"]["level"]
    if draws:
        tested = test["patient"].to_numpy(object)
        intervals = bootstrap(labels, prediction_of(test, classes, HALF), tested, draws, level)
        for name, bounds in intervals.bounds.items():
            for end, value in zip(("low", "high"), bounds, strict=True):
                metrics[f"{name}_ci_{end}"] = value
        notes += _interval_notes(intervals, config)
    columns = slice_columns(test, index, _reference(index))
    per_label, smoothing = pd.DataFrame(), pd.DataFrame()
    thresholds = decider.thresholds if decider else None
    if multi_label or classes > 2:
        per_label = per_label_table(test, index, class_names, thresholds, draws, level)
        metrics |= label_metrics(per_label)
    if multi_label:
        decisions = decisions_table(test, classes, thresholds)
        patients = decisions_per_patient(decisions, classes)
        slices = decisions_by_slice(decisions, columns, classes, draws, level)
        each = None if thresholds is None else decisions["threshold"].to_numpy(np.float64)
        sure, kinds = confidence(decisions, 2, each), 2
    else:
        decisions, kinds = test, classes
        patients = per_patient_table(test, classes)
        slices = slice_table(test, columns, classes, draws, level)
        sure = confidence(test, classes, decider.threshold if decider else None)
    metrics |= worst_patient(patients) | burden_summary(patients)
    metrics |= _per_patient_metrics(patients, kinds)
    metrics |= slice_metrics(slices)
    label, predicted = (decisions[name].to_numpy() for name in ("label", "predicted"))
    coverage = risk_coverage(label, predicted, sure, kinds)
    metrics |= selective_metrics(label, predicted, sure, kinds)
    if decider is not None:
        notes += [*decider.calibration.notes, *decider.notes]
        notes += _missed_targets(decider, test, classes, class_names)
    if is_smoothed(test):
        smoothing = smoothing_table(test, classes, draws, level)
        values = zip(smoothing["metric"], smoothing["smoothed"], strict=True)
        metrics |= {f"{name}{SMOOTHED}": value for name, value in values}
        notes += few_neighbours(test[NEIGHBOURS].to_numpy() > 0, "test")
        notes += decider.smoothed.notes if decider and decider.smoothed else ()
    return Numbers(
        {f"test/{k}": float(v) for k, v in metrics.items() if np.isfinite(v)},
        patients,
        slices,
        coverage,
        _interval_words(intervals, config),
        notes,
        smoothing,
        per_label,
    )


def _absent_labels(labels: NDArray[np.int64], class_names: Sequence[str]) -> list[str]:
    """The caveat of labels that all test images have, or none has; none without such a label."""
    pairs = zip(class_names, occurs_with_both(labels), strict=True)
    absent = [name for name, both in pairs if not both]
    if not absent:
        return []
    return [
        f"Metrics are means over {labels.shape[1] - len(absent)} of {labels.shape[1]} labels: no "
        f"test image has (or all have) {', '.join(absent)}."
    ]


def _missed_targets(
    decider: Decider, test: pd.DataFrame, classes: int, class_names: Sequence[str]
) -> list[str]:
    """The caveat of a target recall or precision that was not reached on the test split."""
    rule = decider.rule
    if rule is None:
        return []
    labels, called = labels_of(test, classes), labels_of(test, classes, "predicted")
    if labels.ndim == 1:
        missed = rule.missed(labels, called, class_names[1])
        return [missed] if missed else []
    below = [
        name
        for name, label, of_label in zip(class_names, labels.T, called.T, strict=True)
        if rule.missed(label, of_label, name)
    ]
    if not below:
        return []
    return [f"The {rule.rule} target of {rule.target:g} was missed on test for {', '.join(below)}."]


def leak_notes(leaky: bool) -> list[str]:
    """The caveat of a split that has patients in two splits; none for any other."""
    if not leaky:
        return []
    return [
        "LEAKY: patients are in two splits, so these numbers say nothing of new "
        "patients and are too good."
    ]


def correction_notes(test: pd.DataFrame, index: pd.DataFrame) -> list[str]:
    """The caveat of a test split whose labels a review corrected; none for any other.

    Args:
        test: Predictions, with ``checks`` where the audit made them.
        index: The index that they were taken from.
    """
    if not {"checks"} <= set(test) & set(index):
        return []
    tested = index["patient"].isin(test["patient"].unique())
    relabelled = count_corrected(test)[RELABELLED]
    excluded = count_corrected(index[tested])[EXCLUDED]
    if not relabelled + excluded:
        return []
    return [
        f"data.corrections: {relabelled:,} of the {len(test):,} test patches were relabelled, and "
        f"{excluded:,} of the tested patients' patches were left out. These numbers cannot be "
        f"compared with those on the original labels."
    ]


def _calibration_metrics(test: pd.DataFrame, classes: int) -> dict[str, float]:
    labels = labels_of(test, classes)
    raw = calibration_metrics(labels, probabilities_of(test, classes))
    return {
        **calibration_metrics(labels, probabilities_of(test, classes, "score")),
        **{f"{name}_uncalibrated": value for name, value in raw.items()},
        "loss": raw["log_loss"],  # comparable with val/loss, which is of the network itself
    }


def metrics_of(frame: pd.DataFrame, classes: int, half: str = "") -> dict[str, float]:
    """The metrics of decided predictions; NaN where a missing class leaves one undefined.

    Args:
        frame: Predictions with ``label``, ``predicted`` and scores.
        classes: k.
        half: Suffix of the metrics of decisions at 0.5, for two classes; "" for none.
    """
    prediction, rows = prediction_of(frame, classes, half), np.zeros(len(frame), np.int64)
    names = [name for name in prediction.metrics if name not in ERRORS]
    statistics = statistics_of(labels_of(frame, classes), prediction, rows, 1, names)
    return {name: float(value[0]) for name, value in statistics.values(np.ones((1, 1))).items()}


def _interval_words(intervals: Intervals | None, config: Config) -> str:
    if intervals is None:
        return "none, as intervals.draws=0"
    if intervals.patients < 2:
        return "none, as a single patient says nothing of others"
    level = per_cent(config["intervals"]["level"])
    wider = ", widened to Student's t" if intervals.patients < FEW_PATIENTS else ""
    return f"{level} bootstrap over {count(intervals.patients, 'test patient')}{wider}"


def _interval_notes(intervals: Intervals, config: Config) -> list[str]:
    notes = [f"Intervals: {_interval_words(intervals, config)}."]
    if 1 < intervals.patients < FEW_PATIENTS:
        notes.append(
            f"The test split has only {intervals.patients} patients, so the intervals over "
            f"patients are wide and rough: only more patients would make them narrower."
        )
    return notes


def _per_patient_metrics(table: pd.DataFrame, classes: int) -> dict[str, float]:
    """The metrics of each patient that has more than one class, for the UI."""
    shown = ("auroc", "recall", "f1", "balanced_accuracy")
    several = table["auroc"].notna()
    if classes == 2:
        several = (table["positive"] > 0) & (table["positive"] < 1)
    return {
        f"patient_{row['patient']}/{name}": float(row[name])
        for row in table[several].to_dict("records")
        for name in shown
    }


def _reference(index: pd.DataFrame) -> pd.DataFrame | None:
    """The training patches, whose stain is the usual one; None where there are none."""
    train = index[index["split"] == "train"]
    return train if len(train) and set(COLOURS) <= set(index) else None
