"""Descriptions of runs in MLflow's user interface, in Markdown."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from idc.reports.markdown import Markdown, escape
from idc.reports.run_facts import run_sentences
from idc.reports.run_input import RunReport, SweepReport
from idc.reports.sweep_facts import board_table, sweep_sentences
from idc.reports.templating import MARKDOWN

SIX = ("recall", "specificity", "precision", "f1", "auroc", "average_precision")
LINKED = {
    "evaluation/report.html": "report",
    "model_card.md": "model card",
    "evaluation/confusion_matrix.png": "confusion matrix",
    "evaluation/per_patient.csv": "results per patient",
    "evaluation/predictions.parquet": "predictions",
    "explain": "attribution maps",
}
COMPARED = {
    "evaluation/report.html": "report",
    "comparison/leaderboard.csv": "leaderboard",
    "comparison/differences.csv": "differences",
}
PREPARED = {
    "report/report.html": "report",
    "index.parquet": "index of patches",
    "audit.csv": "findings of the audit",
}


@dataclass(frozen=True)
class Place:
    """Where a run is in MLflow, for links; without an experiment's id nothing can be linked."""

    run_id: str = ""
    experiment_id: str = ""

    def run(self, run_id: str) -> Markdown | None:
        """Address of a run of this experiment; None if nothing can be linked."""
        if not self.experiment_id or not run_id:
            return None
        return Markdown(quote(f"#/experiments/{self.experiment_id}/runs/{run_id}", safe="#/"))

    def files(self, folder: Path, names: Mapping[str, str]) -> dict[str, Markdown | None]:
        """Words for each existing file of a run's folder, to its address."""
        own = self.run(self.run_id)
        return {
            words: None if own is None else Markdown(f"{own}/artifacts/{quote(name)}")
            for name, words in names.items()
            if (folder / name).exists()
        }


def _rendered(template: str, **data: Any) -> str:
    return MARKDOWN.get_template(template).render(data).strip()


def run_description(report: RunReport, experiment_id: str = "") -> str:
    """Describe a run in Markdown: result, warnings, six metrics with intervals, and links.

    Without an experiment's id the files are listed without links.
    """
    place = Place(report.run_id, experiment_id)
    return _rendered(
        "description.md.j2",
        report=report,
        words=run_sentences(report),
        metrics=[name for name in SIX if report.value(f"test/{name}") is not None],
        files=place.files(report.figures, LINKED),
    )


def comparison_description(report: SweepReport, place: Place) -> str:
    """Describe a sweep or a comparison: the best setting, warnings, leaderboard and runs."""
    failed = dict(report.failed)
    runs = [
        (name, place.run(run_id), status.lower(), failed.get(name, ""))
        for name, run_id, status in report.runs
    ]
    return _rendered(
        "comparison.md.j2",
        report=report,
        words=sweep_sentences(report),
        board=board_table(report) if len(report.leaderboard) else pd.DataFrame(),
        runs=runs,
        files=place.files(report.figures.parent, COMPARED),
    )


def preparation_description(
    counts: Mapping[str, float],
    class_names: Sequence[str],
    findings: pd.DataFrame,
    notes: Sequence[str],
    folder: Path,
    place: Place,
) -> str:
    """Describe a prepared data set: its size, warnings, and what the audit found.

    `counts` has ``data/patches``, ``data/patients`` and ``data/class_K`` of each class.
    """
    shown = findings.loc[findings["patches"] > 0, ["finding", "patches", "patients", "dropped"]]
    return _rendered(
        "preparation.md.j2",
        counts=counts,
        class_names=class_names,
        findings=shown,
        notes=notes,
        files=place.files(folder, PREPARED),
    )


def with_section(
    note: str, heading: str, sentences: Sequence[str], under: str, place: Place
) -> str:
    """Add what a later command found, in `under` of its artifacts, to a run's description.

    A section with the same heading is replaced.
    """
    head = f"### {escape(heading)}\n"
    own = place.run(place.run_id)
    files = under if own is None else f"[{under}]({own}/artifacts/{quote(under)})"
    section = "\n".join([head, *(f"- {escape(one)}" for one in sentences), "", f"Files: {files}"])
    sections = [one for one in re.split(r"\n*(?=^### )", note, flags=re.M) if one]
    return "\n\n".join([*(one for one in sections if not one.startswith(head)), section])
