"""Results of a review: agreement, suspected label errors, corrections."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from idc.data.corrections import COLUMNS, RELABEL, Corrections, save_corrections
from idc.plots.agreement import agreement_figure
from idc.reader_study.export import ExportRule, find_corrections
from idc.reader_study.reader_agreement import Agreement, agree
from idc.reader_study.suspects import reader_suspects
from idc.reports.templating import notes
from idc.runtime.drawing import save_figure

CORRECTIONS = "corrections.csv"


@dataclass(frozen=True)
class ReviewResults:
    """Results of a review: of `agree`, `reader_suspects` and `find_corrections`, with notes."""

    agreement: Agreement
    suspects: pd.DataFrame
    corrections: pd.DataFrame
    notes: Sequence[str] = ()

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics for MLflow."""
        counts = {"suspects": len(self.suspects), "corrections": len(self.corrections)}
        return {**self.agreement.metrics, **{f"review/{k}": float(v) for k, v in counts.items()}}

    @property
    def summary(self) -> str:
        """How many cases, readers, suspects and corrections there are."""
        metrics = self.metrics
        cases, readers = metrics["review/cases"], metrics["review/readers"]
        return (
            f"{cases:.0f} cases, {readers:.0f} reader(s), {len(self.suspects)} label suspect(s), "
            f"{len(self.corrections)} correction(s)"
        )


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
    ``suspects.csv``, ``corrections.csv`` and ``agreement.png``. `earlier` are the corrections that
    the run itself was trained with, with its names of the patches.
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
    panels = {
        reader: agreement.confusions[reader]["label"]
        for reader in names
        if reader in agreement.confusions
    }
    figure = agreement_figure(names, kappas, np.nan_to_num(cases), panels, class_names)
    save_figure(figure, folder / "agreement.png")
    before = earlier.table if earlier is not None else pd.DataFrame(columns=COLUMNS)
    relabelled = before.loc[before["action"] == RELABEL, "path"]
    more = notes(
        "correction_notes.j2",
        seen=int(answers["seen_model"].sum()),
        answers=len(answers),
        blinded_only=rule.blinded_only,
        again=len(set(relabelled) & set(answers["case"])),
        earlier=len(before),
        file=CORRECTIONS,
    )
    return ReviewResults(agreement, suspects, corrections, [*agreement.notes, *more])
