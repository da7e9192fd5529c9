"""The page of a run, for somebody who will never open a terminal."""

from pathlib import Path

from idc.reports.blocks import Block, Bullets, Fold, Notice, Share, Shares, Table, Text
from idc.reports.figure_gallery import Gallery
from idc.reports.glossary import glossary
from idc.reports.origin import origin_blocks
from idc.reports.page import Page, Section, write_page
from idc.reports.phrases import number
from idc.reports.run_errors import error_blocks
from idc.reports.run_explained import attributions_blocks, learnt_blocks, slides_blocks
from idc.reports.run_figures import run_gallery
from idc.reports.run_input import RunReport
from idc.reports.run_sections import (
    calibration_blocks,
    numbers_blocks,
    patients_blocks,
    slices_blocks,
    threshold_blocks,
    unsure_blocks,
)
from idc.reports.run_tables import settings
from idc.reports.run_warnings import warnings
from idc.reports.run_words import (
    lead,
    limits,
    start,
    test_patients,
    trained_on,
)

KINDS = {"train": "a training", "evaluate": "an evaluation", "ensemble": "an ensemble"}


def write_run_page(report: RunReport, path: Path) -> Path:
    """Write everything that is known of a run as one HTML file.

    Figures that are in the run's folder are shown, those that are not are passed over.

    Args:
        report: The run.
        path: The file to write, such as ``evaluation/report.html``.

    Returns:
        The path.

    Raises:
        DataError: The file cannot be written.
    """
    gallery = run_gallery(report)
    found = warnings(report)
    parts: list[tuple[str, list[Block]]] = [
        ("What it found", _found(report, gallery)),
        ("What was trained on what", _training(report, gallery)),
        ("The numbers", numbers_blocks(report, gallery)),
        ("The threshold", threshold_blocks(report, gallery)),
        ("Do the scores mean what they say?", calibration_blocks(report, gallery)),
        ("Patient by patient", patients_blocks(report, gallery)),
        ("Where it fails", slices_blocks(report, gallery)),
        ("When it is unsure", unsure_blocks(report, gallery)),
        ("Its worst errors", _errors(report, gallery)),
        ("What it looked at", attributions_blocks(report, gallery)),
        ("On the slide", slides_blocks(report, gallery)),
        ("What it has learnt to see", learnt_blocks(report, gallery)),
        ("How it learnt", [*gallery.take("training/learning_curves")]),
        ("What these numbers do not say", [Bullets(limits(report))]),
        ("Words, figures, origin", [glossary(), *gallery.rest(), *origin_blocks(report)]),
    ]
    page = Page(
        report.name,
        lead(report),
        _facts(report),
        [Section(title, blocks) for title, blocks in parts if blocks],
        f"The page of {KINDS[report.kind]}, made by idc. For research; not a medical device.",
        Notice("Read this first", found) if found else None,
    )
    return write_page(page, path)


def _facts(report: RunReport) -> dict[str, str]:
    model = report.setting("choices.backbone") or report.setting("backbone.name")
    facts = {
        "model": str(model or ""),
        "tested on": report.test_data_words,
        "test patients": f"{test_patients(report):,}",
        "recall": number(report.value("test/recall")),
        "specificity": number(report.value("test/specificity")),
        "F1": number(report.value("test/f1")),
        "AUROC": number(report.value("test/auroc")),
        "threshold": number(report.threshold),
        "date": report.date,
    }
    return {name: value for name, value in facts.items() if value not in ("", "-")}


def _found(report: RunReport, gallery: Gallery) -> list[Block]:
    blocks: list[Block] = []
    shares = []
    if report.two_classes:
        recall, specificity = report.value("test/recall"), report.value("test/specificity")
        if recall is not None:
            of = f"Of 100 patches labelled {report.positive}"
            shares.append(Share(of, recall, "found", "missed"))
        if specificity is not None:
            of = f"Of 100 patches labelled {report.negative}"
            wrong = f"called {report.positive} by mistake"
            shares.append(Share(of, specificity, "left alone", wrong))
    elif (accuracy := report.value("test/accuracy")) is not None:
        shares.append(Share("Of 100 patches as they come", accuracy, "right", "wrong"))
    if shares:
        blocks.append(Shares(shares))
    if report.notes:
        blocks.append(Bullets(report.notes))
    blocks += gallery.take("evaluation/confusion_matrix")
    return blocks


def _training(report: RunReport, gallery: Gallery) -> list[Block]:
    counts = report.counts
    blocks: list[Block] = [
        Text(f"{trained_on(report)} {start(report)}"),
        Table(counts, "Patches and patients of each class in each split."),
        *gallery.take("data/class_balance"),
    ]
    if seen := gallery.take("data/sample_patches", "data/augmented_patches"):
        blocks.append(Fold("Patches it learnt from", seen))
    return [*blocks, Fold("Settings", [Table(settings(report))])]


def _errors(report: RunReport, gallery: Gallery) -> list[Block]:
    blocks = error_blocks(report)
    if best := gallery.take("evaluation/best_and_worst"):
        blocks.append(Fold("Beside those it was rightly sure of", best))
    return blocks
