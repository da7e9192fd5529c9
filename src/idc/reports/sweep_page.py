"""The page of a sweep: the best setting, and whether it is significantly better."""

from pathlib import Path

import pandas as pd

from idc.reports.blocks import Block, Bullets, Fold, Notice, Table, Text
from idc.reports.figure_gallery import FigureGallery
from idc.reports.formats import metric_name
from idc.reports.glossary import glossary
from idc.reports.page import Page, PageSection, write_page
from idc.reports.run_explained import TRUST, method_table
from idc.reports.run_input import SweepReport
from idc.reports.run_parts import patient_table
from idc.reports.sweep_figures import of_kind, sweep_gallery
from idc.reports.sweep_tables import (
    board_table,
    difference_table,
    is_baseline,
    is_leaky,
    patient_by_setting,
    pooled_list,
    pooled_table,
)
from idc.reports.sweep_words import best_setting, lead, sweep_warnings
from idc.text import count

LISTED = 300  # maximum number of rows in a table
OPEN = 6  # sentences outside the fold


def write_sweep_page(report: SweepReport, path: Path) -> Path:
    """Write all results of a sweep as one HTML file.

    Figures in its folder are included; missing ones are skipped.

    Args:
        report: The sweep.
        path: The file to write, such as ``comparison/report.html``.

    Returns:
        The path.

    Raises:
        DataError: The file cannot be written.
    """
    gallery = sweep_gallery(report)
    important = sweep_warnings(report)
    parts: list[tuple[str, list[Block]]] = [
        ("Leaderboard", _board(report, gallery)),
        ("Significant differences", _differences(report, gallery)),
        ("Curves", _curves(gallery)),
        ("Results per fold" if report.has_folds else "Results per run", _folds(report, gallery)),
        ("Results per patient", _patients(report)),
        ("More training patients", [*gallery.take("learning_size")]),
        ("Faithfulness of attribution maps", _trust(report, gallery)),
        ("Runs", _runs(report)),
        ("Glossary and figures", [glossary(), *gallery.rest()]),
    ]
    page = Page(
        report.name,
        lead(report),
        _facts(report),
        [PageSection(title, blocks) for title, blocks in parts if blocks],
        "Report of a comparison, made by idc. For research; not a medical device.",
        Notice("Read this first", important) if important else None,
    )
    return write_page(page, path)


def _facts(report: SweepReport) -> dict[str, str]:
    board = report.leaderboard
    runs = len(report.runs) or int(board["runs"].sum() if "runs" in board else 0)
    best = best_setting(report)
    facts = {
        "best": "" if best is None else str(best["setting"]),
        "settings": f"{int((~is_baseline(board)).sum()):,}",
        "runs": f"{runs:,}",
        "not finished": f"{len(report.failed):,}" if report.failed else "",
        "ordered by": metric_name(report.metrics[0]) if report.metrics else "",
        "date": report.date,
    }
    return {name: value for name, value in facts.items() if value}


def _board(report: SweepReport, gallery: FigureGallery) -> list[Block]:
    blocks: list[Block] = [Bullets(report.notes)] if report.notes else []
    if report.leaderboard.empty:
        return [*blocks, Text("No run has finished, so there is nothing to compare.")]
    caption = (
        f"Settings, best first, and baselines without a network. Values are {report.value_label}; "
        "in brackets the interval over patients or, without one, the spread of the runs (one "
        "standard deviation)."
    )
    leaky = is_leaky(report.leaderboard).tolist()
    table = Table(board_table(report), caption, leaky if any(leaky) else (), "leaky", decimals=3)
    blocks += [table, *gallery.take("leaderboard")]
    return blocks


def _differences(report: SweepReport, gallery: FigureGallery) -> list[Block]:
    sentences = list(report.sentences)
    blocks: list[Block] = [Bullets(sentences[:OPEN])] if sentences else []
    if more := sentences[OPEN:]:
        blocks.append(Fold(count(len(more), "more sentence"), [Bullets(more)]))
    main = report.metrics[0].rpartition("/")[2] if report.metrics else ""
    names = [*of_kind(gallery, "critical_difference"), *of_kind(gallery, "differences")]
    first = [name for name in names if name.endswith(f"_{main}")]
    blocks += gallery.take(*first)
    if others := gallery.take(*(name for name in names if name not in first)):
        blocks.append(Fold("The same by other metrics", others))
    table = difference_table(report)
    if len(table):
        caption = (
            "All tested pairs. p-values are corrected by Holm's method, for each metric "
            "separately, and separately for pairs of settings and for pairs of a setting and a "
            "baseline."
        )
        marks = report.differences["apart"].astype(bool).tolist()
        shown = Table(table, caption, marks, "significant", decimals=3)
        blocks.append(Fold(f"{count(len(table), 'difference')} as a table", [shown]))
    return blocks


def _curves(gallery: FigureGallery) -> list[Block]:
    return [*gallery.take("roc", "precision_recall", "confusion_matrices")]


def _folds(report: SweepReport, gallery: FigureGallery) -> list[Block]:
    blocks: list[Block] = []
    pooled = pooled_table(report)
    if len(pooled):
        folds = "All folds pooled: each patient was tested once, by a model that had not seen it."
        caption = (
            f"{folds if report.has_folds else 'Each run.'} In brackets the interval over patients."
        )
        every = pooled_list(report)
        fold = Table(every.head(LISTED), decimals=3)
        blocks += [Table(pooled, caption, decimals=3), Fold("All metrics as a table", [fold])]
    blocks += gallery.take("fold_metrics")
    if len(report.fold_table):
        fold = Table(report.fold_table.head(LISTED), decimals=3)
        blocks.append(Fold("All folds as a table", [fold]))
    curves = of_kind(gallery, "fold_learning_curves")
    if curves:
        blocks.append(Fold("Learning curves of the folds", gallery.take(*curves)))
    return blocks


def _patients(report: SweepReport) -> list[Block]:
    blocks: list[Block] = []
    wide = patient_by_setting(report)
    if len(wide.columns) > 2:
        words = (
            "Recall of each patient for each setting, the lowest first. A patient with low recall "
            "for all settings is difficult, or labelled differently from the rest."
        )
        blocks.append(Text(words))
        shown = Table(wide.head(LISTED), decimals=3)
        blocks.append(Fold(f"{count(len(wide), 'patient')} by setting", [shown]))
    for setting, table in report.per_patient.items():
        shown = Table(patient_table(table).head(LISTED), "Lowest recall first.", decimals=3)
        blocks.append(Fold(f"Patients of {setting}", [shown]))
    return blocks


def _trust(report: SweepReport, gallery: FigureGallery) -> list[Block]:
    table = method_table(report.methods).rename(columns={"model": "setting"})
    if not len(table):
        return []
    blocks: list[Block] = [Bullets(report.explained)] if report.explained else []
    blocks += gallery.take("methods")
    caption = (
        "The gain of each method's maps over random maps of the same spectrum; for several runs "
        "the mean, the lowest and the highest."
    )
    doubtful = (report.methods["verdict"] != TRUST).tolist()
    shown = Table(table, caption, doubtful, "doubtful", decimals=3)
    return [*blocks, Fold("As a table", [shown])]


def _runs(report: SweepReport) -> list[Block]:
    blocks: list[Block] = []
    if report.failed:
        failed = pd.DataFrame(list(report.failed), columns=["run", "error"])
        blocks.append(Table(failed, "These runs did not finish and are not included."))
    if report.command:
        blocks.append(Text(f"Command: {report.command}"))
    if report.runs:
        table = pd.DataFrame(list(report.runs), columns=["run", "id", "status"])
        blocks.append(Fold(count(len(table), "run"), [Table(table)]))
    return blocks
