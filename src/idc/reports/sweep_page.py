"""The page of a sweep: the best setting, and whether it is significantly better."""

from pathlib import Path

import pandas as pd

from idc.reports.formats import metric_name
from idc.reports.page import write_page
from idc.reports.picture import Figures
from idc.reports.run_input import SweepReport
from idc.reports.run_tables import TRUST, method_table, patient_table
from idc.reports.sweep_facts import (
    best_setting,
    board_table,
    difference_table,
    is_baseline,
    is_leaky,
    patient_by_setting,
    pooled_list,
    pooled_table,
    sweep_sentences,
)

LISTED = 300  # maximum number of rows in a table


def write_sweep_page(report: SweepReport, path: Path) -> Path:
    """Write all results of a sweep as one HTML file.

    Figures in its folder are included; missing ones are skipped.

    Raises:
        DataError: The file cannot be written.
    """
    board = report.leaderboard
    return write_page(
        path,
        "sweep.html.j2",
        Figures(report.figures, ""),
        title=report.name,
        report=report,
        words=sweep_sentences(report),
        facts=_facts(report),
        main_metric=report.metrics[0].rpartition("/")[2] if report.metrics else "",
        board=board_table(report) if len(board) else board,
        leaky=is_leaky(board).tolist() if is_leaky(board).any() else [],
        differences=difference_table(report),
        pooled=pooled_table(report),
        pooled_list=pooled_list(report).head(LISTED),
        folds=report.fold_table.head(LISTED),
        by_setting=patient_by_setting(report).head(LISTED),
        patients={
            setting: patient_table(table).head(LISTED)
            for setting, table in report.per_patient.items()
        },
        methods=method_table(report.methods).rename(columns={"model": "setting"}),
        failed=pd.DataFrame(list(report.failed), columns=["run", "error"]),
        runs=pd.DataFrame(list(report.runs), columns=["run", "id", "status"]),
        TRUST=TRUST,
    )


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
