"""What page and model card of a run are made from."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from idc.attribution.pipeline.run_steps import Explained
from idc.config.build import build
from idc.data.split.base import SPLITS
from idc.evaluation.evaluate import Evaluation
from idc.pipelines.run_context import RunContext
from idc.reports.run_input import RunReport
from idc.runtime.cost import JOULES_PER_KWH, Cost, energy_words
from idc.tracking.provenance import git_tags, host_kind, library_versions


def run_report(context: RunContext, evaluation: Evaluation, explained: Explained) -> RunReport:
    """Gather the contents of a run's page and card."""
    material, numbers, decider = evaluation.material, evaluation.numbers, evaluation.decider
    redactor, evaluated = context.redactor, context.evaluates
    trained_on = build(context.config["data"]["source"], "data")
    return RunReport(
        name=redactor.text(context.outcome.name),
        kind="train" if not evaluated else "evaluate" if len(evaluated) == 1 else "ensemble",
        config=context.shown,
        class_names=tuple(context.outcome.class_names),
        patch_size=int(material.patches.shape[1]),
        counts=material.counts,
        card=trained_on.card,
        drawn=material.source.card.drawn,
        metrics=evaluation.metrics,
        threshold=evaluation.threshold,
        predictions=evaluation.predictions,
        figures=context.folder,
        threshold_words=decider.rule.describe() if decider and decider.rule else "",
        calibration_words=decider.calibration.describe() if decider else "",
        interval_words=numbers.interval_words,
        test_data_words=material.source.name if evaluated else "the test split",
        notes=tuple(evaluation.notes),
        leaky=material.leaky,
        leaks=tuple(map(redactor.text, material.leaks.sentences())),
        patches=material.patches,
        per_patient=numbers.per_patient,
        slices=numbers.slices,
        smoothing=numbers.smoothing,
        baselines=evaluation.baselines.table if evaluation.baselines else pd.DataFrame(),
        patients={
            split: int(material.rows(split)["patient"].nunique())
            for split in SPLITS
            if len(material.rows(split))
        },
        cost=_cost(context.costs),
        versions=library_versions(),
        commit=git_tags(Path(__file__).parent).get("mlflow.source.git.commit", ""),
        run_id=context.run.run_id or "",
        model_uri=f"runs:/{evaluated[0]}/model" if len(evaluated) == 1 else "",
        methods=explained.methods,
        explained=dict(explained.words),
        date=time.strftime("%Y-%m-%d"),
    )


def _cost(costs: Mapping[str, Cost]) -> dict[str, Any]:
    joules = [stage.joules for stage in costs.values() if stage.joules is not None]
    total = sum(joules) if joules and len(joules) == len(costs) else None
    sources = sorted({source for stage in costs.values() for source in stage.sources})
    return {
        **{f"{name}_seconds": stage.seconds for name, stage in costs.items()},
        "energy_kwh": None if total is None else total / JOULES_PER_KWH,
        "energy_words": energy_words(total, sources),
        "hardware": host_kind(),
    }
