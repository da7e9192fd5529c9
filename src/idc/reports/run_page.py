"""The page of a run, for readers who do not use the command line."""

from pathlib import Path

import pandas as pd

from idc.reports.formats import number
from idc.reports.page import write_page
from idc.reports.picture import Figures
from idc.reports.run_classes import class_rows, class_table
from idc.reports.run_errors import error_kinds
from idc.reports.run_facts import marked_slices, run_sentences
from idc.reports.run_input import RunReport
from idc.reports.run_tables import (
    TRUST,
    baseline_comparison,
    calibration_table,
    headline_table,
    method_table,
    patient_table,
    provenance,
    settings_table,
    slice_table,
    smoothing_comparison,
)

FOLDERS = ("evaluation", "training", "explain", "explain/slides", "data")
PARTS = ("methods", "features", "slides")
KINDS = ("FN", "FP", "TP", "TN")  # attribution figures of two classes, errors first
LISTED = 300  # patients in the table


def write_run_page(report: RunReport, path: Path) -> Path:
    """Write all results of a run as one HTML file.

    Figures in the run's folder are included; missing ones are skipped.

    Raises:
        DataError: The file cannot be written.
    """
    figures = Figures(report.figures, *FOLDERS)
    slices = report.slices[list(marked_slices(report))]
    return write_page(
        path,
        "run.html.j2",
        figures,
        title=report.name,
        report=report,
        words=run_sentences(report),
        facts=_facts(report),
        explained={part: list(report.explained.get(part, ())) for part in PARTS},
        errors=list(error_kinds(report)),
        slides=[n for n in figures.names("explain/slides/") if not n.endswith("_regions")],
        attributions=_attributions(figures),
        methods=method_table(report.methods),
        headlines=headline_table(report),
        class_rows=class_rows(report),
        classes=class_table(report),
        baselines=baseline_comparison(report),
        smoothing=smoothing_comparison(report),
        calibration=calibration_table(report),
        patients=patient_table(report.per_patient),
        burden=report.value("test/burden_mae"),
        slices=slice_table(report),
        slice_marks=slices.eq(True).any(axis=1).tolist() if slices.size else [],
        settings=settings_table(report),
        provenance=provenance(report),
        metrics=_metrics(report),
        LISTED=LISTED,
        TRUST=TRUST,
    )


def _facts(report: RunReport) -> dict[str, str]:
    """Key facts, in order: what was it, how good is it, which maps can be believed."""
    trusted = ""
    if len(report.methods):
        names = report.methods.loc[report.methods["verdict"] == TRUST, "method"]
        trusted = ", ".join(names) or f"none of {len(report.methods)} methods"
    mean = "" if report.two_classes else "mean "
    classes = len(report.class_names)
    facts = {
        "model": str(report.setting("choices.backbone") or report.setting("backbone.name") or ""),
        "tested on": report.test_data_words,
        "labels" if report.multi_label else "classes": "" if report.two_classes else f"{classes}",
        "test patients": f"{report.test_patients:,}",
        f"{mean}recall": number(report.value("test/recall")),
        f"{mean}specificity": number(report.value("test/specificity")),
        f"{mean}F1": number(report.value("test/f1")),
        f"{mean}AUROC": number(report.value("test/auroc")),
        "threshold": number(report.threshold),
        "maps to believe": trusted.replace("_", " "),
        "date": report.date,
    }
    return {name: value for name, value in facts.items() if value not in ("", "-")}


def _attributions(figures: Figures) -> list[str]:
    """The names of the attribution figures: for two classes, those of errors first."""
    names = figures.names("explain/")
    kinds = [f"explain/{kind}" for kind in KINDS if f"explain/{kind}" in names]
    return kinds or [name for name in names if name.endswith(("_right", "_wrong"))]


def _metrics(report: RunReport) -> pd.DataFrame:
    """All defined metrics but those of single patients, which have a table of their own."""
    names = [name for name in sorted(report.metrics) if not name.startswith("test/patient_")]
    values = [(name, report.value(name)) for name in names]
    return pd.DataFrame(values, columns=["metric", "value"]).dropna()
