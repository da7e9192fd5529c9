"""The sections of a run's page with its results."""

import numpy as np

from idc.reports.blocks import Block, Bullets, Fold, Row, Table, Text
from idc.reports.figure_gallery import FigureGallery
from idc.reports.formats import of_hundred
from idc.reports.run_input import RunReport
from idc.reports.run_parts import marked_names, marks, patient_table, slice_table
from idc.reports.run_tables import (
    baseline_comparison,
    calibration_table,
    class_table,
    headline_table,
    smoothing_comparison,
)
from idc.reports.templating import Sentences
from idc.text import count

LISTED = 300  # patients in the table
ENOUGH = 10  # positive patches of a patient for a meaningful recall


def metrics_blocks(report: RunReport, gallery: FigureGallery) -> list[Block]:
    """The metrics with intervals, and those of the baselines."""
    caption = "On the test patients"
    if report.threshold is not None:
        caption += f", at the chosen threshold {report.threshold:.3f} and at 0.5"
    intervals = f" Intervals: {report.interval_words}." if report.interval_words else ""
    blocks: list[Block] = [Table(headline_table(report), f"{caption}.{intervals}", decimals=3)]
    if not report.two_classes:
        blocks.append(Table(class_table(report), "Per class.", decimals=3))
    if len(smoothed := smoothing_comparison(report)):
        caption = (
            "Smoothed over neighbouring patches (postprocess), with its own calibration and "
            "threshold. Difference: smoothed minus plain on the same patients, with its interval "
            "over patients. Smoothing may erase small lesions."
        )
        blocks.append(Table(smoothed, caption, decimals=3))
    baselines = baseline_comparison(report)
    if len(baselines):
        own = (baselines["who"] == "the model").tolist()
        caption = "The model and baselines without a network."
        blocks.append(Table(baselines, caption, own, "the model", decimals=3))
    curves = gallery.take("evaluation/roc", "evaluation/precision_recall")
    return [*blocks, Row(curves)] if curves else blocks


def threshold_blocks(report: RunReport, words: Sentences, gallery: FigureGallery) -> list[Block]:
    """How scores are turned into decisions."""
    if not report.two_classes:
        return []
    return [Text(words.text("decision_rule")), *gallery.take("evaluation/threshold_curve")]


def calibration_blocks(report: RunReport, gallery: FigureGallery) -> list[Block]:
    """Whether scores agree with observed frequencies."""
    blocks: list[Block] = []
    if report.calibration_words:
        blocks.append(Text(f"Calibration: {report.calibration_words.rstrip('.')}."))
    error, before = report.value("test/ece"), report.value("test/ece_uncalibrated")
    if error is not None:
        earlier = "" if before is None else f"; before calibration, {100 * before:.1f}"
        blocks.append(
            Text(
                f"On average a score differs by {100 * error:.1f} percentage points from the "
                f"observed share of positive patches with such a score{earlier}."
            )
        )
    table = calibration_table(report)
    if len(table):
        blocks.append(Table(table, "On the test patients; 0 is best.", decimals=3))
    return [*blocks, *gallery.take("evaluation/reliability")]


def patients_blocks(report: RunReport, gallery: FigureGallery) -> list[Block]:
    """The results of each test patient."""
    table = patient_table(report.per_patient)
    blocks: list[Block] = [Text(words)] if (words := _worst_patient(report)) else []
    blocks += gallery.take("evaluation/per_patient")
    burden = report.value("test/burden_mae") or report.value("test/mean_absolute_burden_error")
    if burden is not None and report.two_classes:
        blocks.append(
            Text(
                f"Share of a patient's patches called {report.positive}: it differs by "
                f"{100 * burden:.1f} percentage points from the labelled share, on average over "
                "the patients."
            )
        )
    blocks += gallery.take("evaluation/burden")
    if len(table):
        more = f"; the worst {LISTED:,} are listed" if len(table) > LISTED else ""
        caption = "Lowest recall first; a dash if a patient has patches of one class only."
        shown = Table(table.head(LISTED), caption, decimals=3)
        summary = f"{count(len(table), 'test patient')} as a table{more}"
        blocks.append(Fold(summary, [shown]))
    return blocks


def _worst_patient(report: RunReport) -> str:
    table = report.per_patient
    defined = table[table["recall"].notna()] if "recall" in table else table.head(0)
    of = ""
    if {"tp", "fn"} <= set(defined.columns):
        many = defined[defined["tp"] + defined["fn"] >= ENOUGH]
        if len(many) >= 2:
            defined, of = many, f" (of those with {ENOUGH} or more)"
    if len(defined) < 2:
        return ""
    recall = defined["recall"].to_numpy(float)
    patient = defined["patient"].iloc[int(recall.argmin())]
    what = f"{report.positive} patches" if report.two_classes else "patches of a class"
    return (
        f"Lowest recall: patient {patient}, in whom {of_hundred(recall.min())} of 100 {what} were "
        f"detected. In half of the patients{of}, {of_hundred(float(np.median(recall)))} or more "
        f"were."
    )


def slices_blocks(report: RunReport, gallery: FigureGallery) -> list[Block]:
    """The slices of the test split with worse results."""
    table, flags = slice_table(report), marks(report, "worse", "misses_more")
    blocks: list[Block] = []
    for column, words in (("worse", "a higher error rate"), ("misses_more", "a lower recall")):
        if any(marks(report, column)):
            names = "; ".join(marked_names(report, column))
            blocks.append(Text(f"Slices with {words} than the rest: {names}."))
    if blocks:
        blocks.append(Text("As many slices are tested, some may be marked by chance."))
    elif flags:
        blocks.append(Text("No slice of the test split is worse than the rest."))
    blocks += gallery.take("evaluation/slices")
    if len(table):
        shown = Table(table, "", flags, "worse", decimals=3)
        blocks.append(Fold(f"{count(len(table), 'slice')} as a table", [shown]))
    return blocks


def uncertainty_blocks(report: RunReport, words: Sentences, gallery: FigureGallery) -> list[Block]:
    """Selective prediction: leaving uncertain patches to a person."""
    blocks: list[Block] = []
    if sentences := words.list("selective_prediction"):
        intro = "If a person took over the patches about which the model is least certain:"
        blocks += [Text(intro), Bullets(sentences)]
    blocks += gallery.take("evaluation/risk_coverage")
    area = report.value("test/aurc")
    if area is not None:
        blocks.append(
            Text(f"The error rate, averaged over all shares of patches decided (AURC): {area:.3f}.")
        )
    return blocks
