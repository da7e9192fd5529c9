"""The parts of a run's page that hold its results."""

import numpy as np

from idc.reports.blocks import Block, Bullets, Fold, Row, Table, Text
from idc.reports.figure_gallery import Gallery
from idc.reports.phrases import of_hundred
from idc.reports.run_input import RunReport
from idc.reports.run_parts import marked_names, marks, patient_table, slice_table
from idc.reports.run_tables import (
    beside_baselines,
    calibration_table,
    class_table,
    headline_table,
)
from idc.reports.run_words import decision, shared_work
from idc.text import count

LISTED = 300  # patients in the table
ENOUGH = 10  # positive patches of a patient; the recall of fewer says more of luck


def numbers_blocks(report: RunReport, gallery: Gallery) -> list[Block]:
    """The metrics with intervals, beside those of rules that need no network."""
    caption = "On the test patients"
    if report.threshold is not None:
        caption += f", at the chosen threshold {report.threshold:.3f} and, beside it, at 0.5"
    intervals = f" Intervals: {report.interval_words}." if report.interval_words else ""
    blocks: list[Block] = [Table(headline_table(report), f"{caption}.{intervals}", decimals=3)]
    if not report.two_classes:
        blocks.append(Table(class_table(report), "Class by class.", decimals=3))
    beside = beside_baselines(report)
    if len(beside):
        own = (beside["who"] == "the model").tolist()
        caption = "The model among rules that need no network."
        blocks.append(Table(beside, caption, own, "the model", decimals=3))
    curves = gallery.take("evaluation/roc", "evaluation/precision_recall")
    return [*blocks, Row(curves)] if curves else blocks


def threshold_blocks(report: RunReport, gallery: Gallery) -> list[Block]:
    """How a score becomes a decision."""
    if not report.two_classes:
        return []
    return [Text(decision(report)), *gallery.take("evaluation/threshold_curve")]


def calibration_blocks(report: RunReport, gallery: Gallery) -> list[Block]:
    """Whether scores are what they say."""
    blocks: list[Block] = []
    if report.calibration_words:
        blocks.append(Text(f"Calibration: {report.calibration_words.rstrip('.')}."))
    error, before = report.value("test/ece"), report.value("test/ece_uncalibrated")
    if error is not None:
        earlier = "" if before is None else f"; before calibration, {100 * before:.1f}"
        blocks.append(
            Text(
                f"On average a score lies {100 * error:.1f} hundredths from the share that is "
                f"observed among patches with such a score{earlier}."
            )
        )
    table = calibration_table(report)
    if len(table):
        blocks.append(Table(table, "On the test patients; 0 is best for all.", decimals=3))
    return [*blocks, *gallery.take("evaluation/reliability")]


def patients_blocks(report: RunReport, gallery: Gallery) -> list[Block]:
    """The test patients, one by one."""
    table = patient_table(report.per_patient)
    blocks: list[Block] = [Text(words)] if (words := _worst_patient(report)) else []
    blocks += gallery.take("evaluation/per_patient")
    burden = report.value("test/burden_mae") or report.value("test/mean_absolute_burden_error")
    if burden is not None and report.two_classes:
        blocks.append(
            Text(
                f"How much of a patient's tissue is called {report.positive}: the share of "
                f"patches called so lies {100 * burden:.1f} hundredths from the share labelled "
                "so, on average over the patients."
            )
        )
    blocks += gallery.take("evaluation/burden")
    if len(table):
        more = f"; the worst {LISTED:,} are listed" if len(table) > LISTED else ""
        caption = "Worst recall first; a dash where a patient has patches of one class only."
        shown = Table(table.head(LISTED), caption, decimals=3)
        summary = f"{count(len(table), 'test patient')} as a table{more}"
        blocks.append(Fold(summary, [shown]))
    return blocks


def _worst_patient(report: RunReport) -> str:
    table = report.per_patient
    known = table[table["recall"].notna()] if "recall" in table else table.head(0)
    of = ""
    if {"tp", "fn"} <= set(known.columns):
        many = known[known["tp"] + known["fn"] >= ENOUGH]
        if len(many) >= 2:
            known, of = many, f" (of those with {ENOUGH} or more)"
    if len(known) < 2:
        return ""
    recall = known["recall"].to_numpy(float)
    patient = known["patient"].iloc[int(recall.argmin())]
    what = f"{report.positive} patches" if report.two_classes else "patches of a class"
    return (
        f"Worst in patient {patient}: of 100 {what} it found {of_hundred(recall.min())}. In half "
        f"of the patients{of} it found {of_hundred(float(np.median(recall)))} or more."
    )


def slices_blocks(report: RunReport, gallery: Gallery) -> list[Block]:
    """The parts of the test split that it does worse on."""
    table, flags = slice_table(report), marks(report, "worse", "misses_more")
    blocks: list[Block] = []
    for column, words in (("worse", "Errs more than"), ("misses_more", "Misses more than")):
        if any(marks(report, column)):
            names = "; ".join(marked_names(report, column))
            blocks.append(Text(f"{words} in the rest of the test patches: {names}."))
    if blocks:
        blocks.append(Text("Many parts are looked at, so one in some is marked by chance."))
    elif flags:
        blocks.append(Text("No part of the test split stands out as worse than the rest."))
    blocks += gallery.take("evaluation/slices")
    if len(table):
        shown = Table(table, "", flags, "worse", decimals=3)
        blocks.append(Fold(f"{count(len(table), 'part')} as a table", [shown]))
    return blocks


def unsure_blocks(report: RunReport, gallery: Gallery) -> list[Block]:
    """What it could leave to a person."""
    blocks: list[Block] = []
    if sentences := shared_work(report):
        words = "If a person took over the patches that the model is least sure of:"
        blocks += [Text(words), Bullets(sentences)]
    blocks += gallery.take("evaluation/risk_coverage")
    area = report.value("test/aurc")
    if area is not None:
        blocks.append(
            Text(
                f"The share of errors, averaged over all such divisions of work (AURC), is "
                f"{area:.3f}."
            )
        )
    return blocks
