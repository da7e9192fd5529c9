"""The page of a run, for readers who do not use the command line."""

from pathlib import Path

from idc.reports.blocks import Block, Bullets, Fold, Notice, Share, Shares, Table, Text
from idc.reports.figure_gallery import FigureGallery
from idc.reports.formats import number
from idc.reports.glossary import glossary
from idc.reports.origin import origin_blocks
from idc.reports.page import Page, PageSection, write_page
from idc.reports.run_errors import error_blocks
from idc.reports.run_explained import attribution_blocks, feature_blocks, slide_blocks
from idc.reports.run_facts import run_sentences
from idc.reports.run_figures import run_gallery
from idc.reports.run_input import RunReport
from idc.reports.run_sections import (
    calibration_blocks,
    metrics_blocks,
    patients_blocks,
    slices_blocks,
    threshold_blocks,
    uncertainty_blocks,
)
from idc.reports.run_tables import settings
from idc.reports.templating import Sentences

KINDS = {"train": "a training run", "evaluate": "an evaluation", "ensemble": "an ensemble"}


def write_run_page(report: RunReport, path: Path) -> Path:
    """Write all results of a run as one HTML file.

    Figures in the run's folder are included; missing ones are skipped.

    Args:
        report: The run.
        path: The file to write, such as ``evaluation/report.html``.

    Returns:
        The path.

    Raises:
        DataError: The file cannot be written.
    """
    gallery = run_gallery(report)
    words = run_sentences(report)
    important = words.list("warnings")
    parts: list[tuple[str, list[Block]]] = [
        ("Result", _result(report, gallery)),
        ("Training", _training(report, words, gallery)),
        ("Test metrics", metrics_blocks(report, gallery)),
        ("Threshold", threshold_blocks(report, words, gallery)),
        ("Calibration", calibration_blocks(report, gallery)),
        ("Results per patient", patients_blocks(report, gallery)),
        ("Results per slice", slices_blocks(report, gallery)),
        ("Uncertain predictions", uncertainty_blocks(report, words, gallery)),
        ("Worst errors", _errors(report, gallery)),
        ("Attribution maps", attribution_blocks(report, gallery)),
        ("Slide maps", slide_blocks(report, gallery)),
        ("Learned features", feature_blocks(report, gallery)),
        ("Learning curves", [*gallery.take("training/learning_curves")]),
        ("Limitations", [Bullets(words.list("limitations"))]),
        ("Glossary, figures, provenance", [glossary(), *gallery.rest(), *origin_blocks(report)]),
    ]
    page = Page(
        report.name,
        words.text("lead"),
        _facts(report),
        [PageSection(title, blocks) for title, blocks in parts if blocks],
        f"Report of {KINDS[report.kind]}, made by idc. For research; not a medical device.",
        Notice("Read this first", important) if important else None,
    )
    return write_page(page, path)


def _facts(report: RunReport) -> dict[str, str]:
    model = report.setting("choices.backbone") or report.setting("backbone.name")
    facts = {
        "model": str(model or ""),
        "tested on": report.test_data_words,
        "test patients": f"{report.test_patients:,}",
        "recall": number(report.value("test/recall")),
        "specificity": number(report.value("test/specificity")),
        "F1": number(report.value("test/f1")),
        "AUROC": number(report.value("test/auroc")),
        "threshold": number(report.threshold),
        "date": report.date,
    }
    return {name: value for name, value in facts.items() if value not in ("", "-")}


def _result(report: RunReport, gallery: FigureGallery) -> list[Block]:
    blocks: list[Block] = []
    shares = []
    if report.two_classes:
        recall, specificity = report.value("test/recall"), report.value("test/specificity")
        if recall is not None:
            of = f"Of 100 patches labelled {report.positive}"
            shares.append(Share(of, recall, "detected", "missed"))
        if specificity is not None:
            of = f"Of 100 patches labelled {report.negative}"
            wrong = f"wrongly called {report.positive}"
            shares.append(Share(of, specificity, "correct", wrong))
    elif (accuracy := report.value("test/accuracy")) is not None:
        shares.append(Share("Of 100 patches", accuracy, "correct", "wrong"))
    if shares:
        blocks.append(Shares(shares))
    if report.notes:
        blocks.append(Bullets(report.notes))
    blocks += gallery.take("evaluation/confusion_matrix")
    return blocks


def _training(report: RunReport, words: Sentences, gallery: FigureGallery) -> list[Block]:
    counts = report.counts
    blocks: list[Block] = [
        Text(f"{words.text('trained_on')} {words.text('initial_weights')}"),
        Table(counts, "Patches and patients of each class in each split."),
        *gallery.take("data/class_balance"),
    ]
    if seen := gallery.take("data/sample_patches", "data/augmented_patches"):
        blocks.append(Fold("Training patches", seen))
    return [*blocks, Fold("Settings", [Table(settings(report))])]


def _errors(report: RunReport, gallery: FigureGallery) -> list[Block]:
    blocks = error_blocks(report)
    if best := gallery.take("evaluation/best_and_worst"):
        blocks.append(Fold("Compared with the most confident correct predictions", best))
    return blocks
