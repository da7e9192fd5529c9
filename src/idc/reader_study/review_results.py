"""Results of a review: agreement, suspected label errors, corrections."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from idc.data.corrections import RELABEL, Corrections, save_corrections
from idc.plots.agreement import ReaderPanel, agreement_figure
from idc.reader_study.export import ExportRule, find_corrections
from idc.reader_study.reader_agreement import Agreement, agree
from idc.reader_study.suspects import reader_suspects
from idc.runtime.drawing import save_figure

CORRECTIONS = "corrections.csv"


@dataclass(frozen=True)
class ReviewResults:
    """Results of a review.

    Attributes:
        agreement: See `idc.reader_study.reader_agreement.agree`.
        suspects: See `idc.reader_study.suspects.reader_suspects`.
        corrections: See `idc.reader_study.export.find_corrections`.
        notes: Notes on interpreting the results, as sentences.
    """

    agreement: Agreement
    suspects: pd.DataFrame
    corrections: pd.DataFrame
    notes: Sequence[str] = ()

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics for MLflow."""
        counts = {"suspects": len(self.suspects), "corrections": len(self.corrections)}
        return {**self.agreement.metrics, **{f"review/{k}": float(v) for k, v in counts.items()}}


def evaluate_answers(
    answers: pd.DataFrame,
    predictions: pd.DataFrame,
    class_names: list[str],
    rule: ExportRule,
    seed: int,
    folder: Path,
    earlier: Corrections | None = None,
) -> ReviewResults:
    """Analyse the answers and write the results.

    Writes ``answers.csv``, ``readers.csv``, ``agreement.csv``, ``fleiss.csv``, ``maps.csv``,
    ``suspects.csv``, ``corrections.csv`` and ``agreement.png``.

    Args:
        answers: The answers that count, at least one; see `idc.reader_study.answer.as_frame`.
        predictions: Predictions of the run.
        class_names: One name per class.
        rule: When a label is corrected.
        seed: Seed of the intervals.
        folder: The folder to write to.
        earlier: Corrections that the run itself was trained with, with its names of the patches.
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
    corrections = find_corrections(answers, predictions, class_names, rule, earlier)
    save_corrections(corrections, folder / CORRECTIONS)
    names, kappas = agreement.matrix("kappa")
    _, cases = agreement.matrix("cases")
    panels = [
        ReaderPanel(reader, agreement.confusions[reader]["label"])
        for reader in names
        if reader in agreement.confusions
    ]
    figure = agreement_figure(names, kappas, np.nan_to_num(cases), panels, class_names)
    save_figure(figure, folder / "agreement.png")
    notes = [*agreement.notes, *_notes(answers, rule, earlier)]
    return ReviewResults(agreement, suspects, corrections, notes)


def _notes(answers: pd.DataFrame, rule: ExportRule, earlier: Corrections | None) -> list[str]:
    notes = []
    seen = int(answers["seen_model"].sum())
    if rule.blinded_only and seen:
        notes.append(
            f"{seen:,} of {len(answers):,} verdicts were given after seeing the model's answer and "
            f"correct no label; export.blinded_only=false includes them."
        )
    if earlier is None or earlier.table.empty:
        return notes
    relabelled = earlier.table.loc[earlier.table["action"] == RELABEL, "path"]
    if again := len(set(relabelled) & set(answers["case"])):
        notes.append(
            f"{again:,} of the cases have a label corrected by an earlier review: agreement is "
            f"with the corrected label."
        )
    notes.append(
        f"{CORRECTIONS} contains the corrections of this review and the {len(earlier.table):,} "
        f"correction(s) that the run was trained with, unless readers contradict them: use it in "
        f"place of the earlier file, with the same data set."
    )
    return notes
