"""The page of a sweep: which setting is best, and whether that can be told."""

from pathlib import Path

import pandas as pd

from idc.reports.blocks import Block, Bullets, Fold, Notice, Table, Text
from idc.reports.figure_gallery import Gallery
from idc.reports.glossary import glossary
from idc.reports.page import Page, Section, write_page
from idc.reports.phrases import metric_name
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

LISTED = 300  # rows of a table
SAID = 6  # sentences that stand open


def write_sweep_page(report: SweepReport, path: Path) -> Path:
    """Write everything that is known of a sweep as one HTML file.

    Figures that are in its folder are shown, those that are not are passed over.

    Args:
        report: The sweep.
        path: The file to write, such as ``comparison/report.html``.

    Returns:
        The path.

    Raises:
        DataError: The file cannot be written.
    """
    gallery = sweep_gallery(report)
    found = sweep_warnings(report)
    parts: list[tuple[str, list[Block]]] = [
        ("The settings", _board(report, gallery)),
        ("What can be told apart", _differences(report, gallery)),
        ("The curves", _curves(gallery)),
        ("Fold by fold" if report.has_folds else "Run by run", _folds(report, gallery)),
        ("Patient by patient", _patients(report)),
        ("With more to learn from", [*gallery.take("learning_size")]),
        ("Which maps can be trusted", _trust(report, gallery)),
        ("The runs", _runs(report)),
        ("Words and figures", [glossary(), *gallery.rest()]),
    ]
    page = Page(
        report.name,
        lead(report),
        _facts(report),
        [Section(title, blocks) for title, blocks in parts if blocks],
        "The page of a comparison, made by idc. For research; not a medical device.",
        Notice("Read this first", found) if found else None,
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


def _board(report: SweepReport, gallery: Gallery) -> list[Block]:
    blocks: list[Block] = [Bullets(report.notes)] if report.notes else []
    if report.leaderboard.empty:
        return [*blocks, Text("No run finished: there is nothing to compare.")]
    caption = (
        f"Settings, best first, and rules without a network. Values are {report.value_words}; in "
        "brackets the interval over patients or, where there is none, the spread of the runs (one "
        "standard deviation)."
    )
    leaky = is_leaky(report.leaderboard).tolist()
    table = Table(board_table(report), caption, leaky if any(leaky) else (), "leaky", decimals=3)
    blocks += [table, *gallery.take("leaderboard")]
    return blocks


def _differences(report: SweepReport, gallery: Gallery) -> list[Block]:
    said = list(report.sentences)
    blocks: list[Block] = [Bullets(said[:SAID])] if said else []
    if said[SAID:]:
        blocks.append(Fold(count(len(said) - SAID, "more sentence"), [Bullets(said[SAID:])]))
    main = report.metrics[0].rpartition("/")[2] if report.metrics else ""
    names = [*of_kind(gallery, "critical_difference"), *of_kind(gallery, "differences")]
    first = [name for name in names if name.endswith(f"_{main}")]
    blocks += gallery.take(*first)
    if others := gallery.take(*(name for name in names if name not in first)):
        blocks.append(Fold("The same by other metrics", others))
    table = difference_table(report)
    if len(table):
        caption = (
            "Every pair that was tested. The p is corrected by Holm's method for the number of "
            "pairs of settings and, apart from these, of settings with baselines, each metric by "
            "itself."
        )
        marks = report.differences["apart"].astype(bool).tolist()
        shown = Table(table, caption, marks, "apart", decimals=3)
        blocks.append(Fold(f"{count(len(table), 'difference')} as a table", [shown]))
    return blocks


def _curves(gallery: Gallery) -> list[Block]:
    return [*gallery.take("roc", "precision_recall", "confusion_matrices")]


def _folds(report: SweepReport, gallery: Gallery) -> list[Block]:
    blocks: list[Block] = []
    pooled = pooled_table(report)
    if len(pooled):
        folds = "All folds together: each patient was tested once, by a model that had not seen it."
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
            "Recall of each patient under each setting, the hardest first. A patient that all "
            "settings fail is hard, or labelled otherwise than the rest."
        )
        blocks.append(Text(words))
        shown = Table(wide.head(LISTED), decimals=3)
        blocks.append(Fold(f"{count(len(wide), 'patient')} by setting", [shown]))
    for setting, table in report.per_patient.items():
        shown = Table(patient_table(table).head(LISTED), "Worst recall first.", decimals=3)
        blocks.append(Fold(f"Patients of {setting}", [shown]))
    return blocks


def _trust(report: SweepReport, gallery: Gallery) -> list[Block]:
    table = method_table(report.methods).rename(columns={"model": "setting"})
    if not len(table):
        return []
    blocks: list[Block] = [Bullets(report.explained)] if report.explained else []
    blocks += gallery.take("methods")
    caption = (
        "The gain of each method's maps over random maps of the same spectrum; of several runs "
        "the mean, with the lowest and the highest."
    )
    doubtful = (report.methods["verdict"] != TRUST).tolist()
    shown = Table(table, caption, doubtful, "doubtful", decimals=3)
    return [*blocks, Fold("As a table", [shown])]


def _runs(report: SweepReport) -> list[Block]:
    blocks: list[Block] = []
    if report.failed:
        failed = pd.DataFrame(list(report.failed), columns=["run", "what went wrong"])
        blocks.append(Table(failed, "These did not finish; they are in none of the numbers."))
    if report.command:
        blocks.append(Text(f"Started with: {report.command}"))
    if report.runs:
        table = pd.DataFrame(list(report.runs), columns=["run", "id", "status"])
        blocks.append(Fold(count(len(table), "run"), [Table(table)]))
    return blocks
