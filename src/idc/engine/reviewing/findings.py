"""What the answers of a review say: agreement, suspects of wrong labels, corrections."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from idc.engine.drawing import save_figure
from idc.plots.agreement import ReaderPanel, agreement_figure
from idc.review.agreement import Agreement, agree
from idc.review.export import ExportRule, write_corrections
from idc.review.suspects import reader_suspects

CORRECTIONS = "corrections.csv"


@dataclass(frozen=True)
class Findings:
    """What was found.

    Attributes:
        agreement: See `idc.review.agreement.agree`.
        suspects: See `idc.review.suspects.reader_suspects`.
        corrections: See `idc.review.export.find_corrections`.
    """

    agreement: Agreement
    suspects: pd.DataFrame
    corrections: pd.DataFrame

    @property
    def metrics(self) -> dict[str, float]:
        """For MLflow."""
        found = {"suspects": len(self.suspects), "corrections": len(self.corrections)}
        return {**self.agreement.metrics, **{f"review/{k}": float(v) for k, v in found.items()}}


def find(
    answers: pd.DataFrame,
    predictions: pd.DataFrame,
    class_names: list[str],
    rule: ExportRule,
    seed: int,
    folder: Path,
) -> Findings:
    """Work out what the answers say, and write it.

    Writes ``answers.csv``, ``readers.csv``, ``agreement.csv``, ``fleiss.csv``, ``maps.csv``,
    ``suspects.csv``, ``corrections.csv`` and ``agreement.png``.

    Args:
        answers: What counts of each reader and case, at least one; see
            `idc.review.answer.as_frame`.
        predictions: Of the run.
        class_names: A name a class.
        rule: When a label is corrected.
        seed: Of the intervals.
        folder: Where the files go.
    """
    classes = len(class_names)
    agreement = agree(answers, predictions, classes, seed=seed)
    suspects = reader_suspects(answers, predictions, classes)
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "answers": answers,
        "readers": agreement.readers,
        "agreement": agreement.pairs,
        "fleiss": agreement.fleiss,
        "maps": agreement.maps,
        "suspects": suspects,
    }
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g")
    corrections = write_corrections(folder / CORRECTIONS, answers, predictions, class_names, rule)
    names, kappas = agreement.matrix("kappa")
    _, cases = agreement.matrix("cases")
    readers = agreement.readers["reader"].tolist()
    panels = [_panel(agreement, reader) for reader in readers]
    figure = agreement_figure(names, kappas, np.nan_to_num(cases), panels, class_names)
    save_figure(figure, folder / "agreement.png")
    return Findings(agreement, suspects, corrections)


def _panel(agreement: Agreement, reader: str) -> ReaderPanel:
    given: Any = agreement.confusions[reader]["label"]
    return ReaderPanel(reader, given)
