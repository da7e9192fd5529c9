"""What the answers of a review say: agreement, suspects of wrong labels, corrections."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from idc.data.corrections import Corrections
from idc.plots.agreement import ReaderPanel, agreement_figure
from idc.reader_study.export import ExportRule, relabelled_before, write_corrections
from idc.reader_study.reader_agreement import Agreement, agree
from idc.reader_study.suspects import reader_suspects
from idc.runtime.drawing import save_figure

CORRECTIONS = "corrections.csv"


@dataclass(frozen=True)
class Findings:
    """What was found.

    Attributes:
        agreement: See `idc.reader_study.reader_agreement.agree`.
        suspects: See `idc.reader_study.suspects.reader_suspects`.
        corrections: See `idc.reader_study.export.find_corrections`.
        notes: What to know of all this, in sentences.
    """

    agreement: Agreement
    suspects: pd.DataFrame
    corrections: pd.DataFrame
    notes: Sequence[str] = ()

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
    earlier: Corrections | None = None,
) -> Findings:
    """Work out what the answers say, and write it.

    Writes ``answers.csv``, ``readers.csv``, ``agreement.csv``, ``fleiss.csv``, ``maps.csv``,
    ``suspects.csv``, ``corrections.csv`` and ``agreement.png``.

    Args:
        answers: What counts of each reader and case, at least one; see
            `idc.reader_study.answer.as_frame`.
        predictions: Of the run.
        class_names: A name a class.
        rule: When a label is corrected.
        seed: Of the intervals.
        folder: Where the files go.
        earlier: What the run itself was made with, under the names that it knows its patches by.
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
    corrections = write_corrections(
        folder / CORRECTIONS, answers, predictions, class_names, rule, earlier
    )
    names, kappas = agreement.matrix("kappa")
    _, cases = agreement.matrix("cases")
    panels = [_panel(agreement, reader) for reader in names if reader in agreement.confusions]
    figure = agreement_figure(names, kappas, np.nan_to_num(cases), panels, class_names)
    save_figure(figure, folder / "agreement.png")
    notes = [*agreement.notes, *_notes(answers, rule, earlier)]
    return Findings(agreement, suspects, corrections, notes)


def _notes(answers: pd.DataFrame, rule: ExportRule, earlier: Corrections | None) -> list[str]:
    notes = []
    seen = int(answers["seen_model"].sum())
    if rule.blinded_only and seen:
        notes.append(
            f"{seen:,} of {len(answers):,} verdicts were given with the model's answer in sight "
            f"and correct no label; export.blinded_only=false lets them."
        )
    if again := relabelled_before(earlier, answers["case"].unique().tolist()):
        notes.append(
            f"{again:,} of the cases have a label that an earlier review corrected: agreement "
            f"with the label is with that one."
        )
    if earlier is not None and len(earlier.table):
        notes.append(
            f"{CORRECTIONS} holds what this review corrects and the {len(earlier.table):,} "
            f"correction(s) that the run was made with, unless readers contradict them: use it in "
            f"place of the earlier file, with the same data set."
        )
    return notes


def _panel(agreement: Agreement, reader: str) -> ReaderPanel:
    given: Any = agreement.confusions[reader]["label"]
    return ReaderPanel(reader, given)
