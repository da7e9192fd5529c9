"""What page and model card are told of a run."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from idc.attribution.pipeline.run_steps import Explained
from idc.config.build import Config, build
from idc.data.material import Material
from idc.data.split.base import SPLITS
from idc.evaluation.evaluate import Evaluation
from idc.reports.run_input import RunReport
from idc.runtime.cost import JOULES_PER_KWH, Cost, energy_words
from idc.tracking.mlflow_run import Run
from idc.tracking.privacy import Redactor
from idc.tracking.provenance import git_tags, host_kind, library_versions

Kind = Literal["train", "evaluate", "ensemble"]


@dataclass(frozen=True)
class Account:
    """A run that has been evaluated, with all that is to be told of it.

    Attributes:
        run: The run.
        name: Its name.
        kind: What was done.
        config: The resolved configuration of the run that was trained.
        evaluation: What was found.
        material: The data.
        class_names: A name a class.
        folder: The run's folder, with its figures.
        costs: Cost of ``train`` and ``evaluate``, as far as it was measured.
        redactor: Takes out what must not be told.
        model_uri: Where the model lies, if not in the run itself.
    """

    run: Run
    name: str
    kind: Kind
    config: Config
    evaluation: Evaluation
    material: Material
    class_names: Sequence[str]
    folder: Path
    costs: Mapping[str, Cost]
    redactor: Redactor
    model_uri: str = ""


def run_report(account: Account, explained: Explained | None = None) -> RunReport:
    """Gather what a run's page and card tell.

    Args:
        account: The run.
        explained: What was found when it was explained.
    """
    explained = explained or Explained()
    evaluation, material = account.evaluation, account.material
    redactor, kind = account.redactor, account.kind
    config = redactor.config(account.config)
    decider, numbers = evaluation.decider, evaluation.numbers
    counts = material.counts
    card = build(account.config["data"]["source"], "data").card
    tested = "the test split" if kind == "train" else f"{material.source.name}"
    return RunReport(
        name=redactor.text(account.name),
        kind=kind,
        config=config,
        class_names=tuple(account.class_names),
        patch_size=int(material.patches.shape[1]),
        counts=counts,
        metrics=evaluation.metrics,
        threshold=evaluation.threshold,
        predictions=evaluation.predictions,
        figures=account.folder,
        threshold_words=decider.rule.describe() if decider and decider.rule else "",
        calibration_words=decider.calibration.describe() if decider else "",
        interval_words=numbers.interval_words,
        test_data_words=tested,
        card=card,
        drawn=material.source.card.drawn,
        notes=tuple(evaluation.notes),
        leaky=material.leaky,
        leaks=tuple(map(redactor.text, material.leaks.sentences())),
        patches=material.patches,
        per_patient=numbers.per_patient,
        slices=numbers.slices,
        baselines=evaluation.baselines.table if evaluation.baselines else pd.DataFrame(),
        patients={
            split: int(material.rows(split)["patient"].nunique())
            for split in SPLITS
            if len(material.rows(split))
        },
        cost=_cost(account.costs),
        versions=library_versions(),
        commit=git_tags(Path(__file__).parent).get("mlflow.source.git.commit", ""),
        run_id=account.run.run_id or "",
        model_uri=account.model_uri,
        methods=explained.methods,
        explained=dict(explained.words),
        date=time.strftime("%Y-%m-%d"),
    )


def _cost(costs: Mapping[str, Cost]) -> dict[str, Any]:
    fields: dict[str, Any] = {f"{name}_seconds": cost.seconds for name, cost in costs.items()}
    energies = [cost.joules for cost in costs.values()]
    measured = [joules for joules in energies if joules is not None]
    whole = bool(energies) and len(measured) == len(energies)
    fields["energy_kwh"] = sum(measured) / JOULES_PER_KWH if whole else None
    sources = {source for cost in costs.values() for source in cost.sources}
    fields["energy_words"] = energy_words(sum(measured) if whole else None, sorted(sources))
    fields["hardware"] = host_kind()
    return fields
