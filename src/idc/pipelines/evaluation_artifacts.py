"""What an evaluation leaves behind: metrics, tables, figures, attributions, page and model card."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from idc.attribution.pipeline.options import explains_anything
from idc.attribution.pipeline.run_steps import Explained, explain_all
from idc.attribution.pipeline.step import EXPLAIN, VERDICTS, Trust
from idc.attribution.select import parse_selection
from idc.config.build import build
from idc.data.split.base import SPLITS
from idc.errors import first_line
from idc.evaluation.decision import FILE as DECISION
from idc.evaluation.evaluate import Evaluation, save_evaluation
from idc.evaluation.figures import evaluation_figures
from idc.models.calibrated import CalibratedScorer
from idc.models.network import Network
from idc.pipelines.run_context import RunContext
from idc.pipelines.subject import build_subject
from idc.reports.description import run_description
from idc.reports.model_card import write_model_card
from idc.reports.run_input import RunReport
from idc.reports.run_page import write_run_page
from idc.runtime.cost import JOULES_PER_KWH, Cost, energy_words
from idc.runtime.drawing import save_figures
from idc.tracking.integrity import digest_tags
from idc.tracking.mlflow_run import NOTE_TAG
from idc.tracking.model import log_model
from idc.tracking.provenance import git_tags, host_kind, library_versions

EXAMPLES = 4  # patches in the logged model's input example
EVALUATION = "evaluation"
READ_BACK = (DECISION, "predictions.parquet", "baselines.parquet")
REPORT = "report.html"


def record_evaluation(context: RunContext, evaluation: Evaluation) -> None:
    """Log metrics, tables and figures of an evaluation."""
    run, folder = context.run, context.folder
    context.outcome.metrics, context.outcome.notes = evaluation.metrics, evaluation.notes
    run.metrics(evaluation.metrics)
    run.metrics({f"time/{name}_seconds": cost.seconds for name, cost in context.costs.items()})
    target = folder / EVALUATION
    save_evaluation(evaluation, target, context.outcome.class_names)
    if context.config["report"]:
        save_figures(evaluation_figures(evaluation, context.outcome.class_names), target)
    run.artifacts(target, EVALUATION)
    run.tags(digest_tags(folder, (f"{EVALUATION}/{name}" for name in READ_BACK)))


def record_explanation(
    context: RunContext,
    evaluation: Evaluation,
    network: Network | None,
    trust: Trust | None = None,
) -> Explained:
    """Explain the test split as the configuration says, and log the result.

    A part that fails adds to the evaluation's notes; the rest is logged all the same. An ensemble
    has no network, and is not explained. Methods with a verdict in `trust` are not measured again.
    """
    options = context.config["explain"]
    if network is None or not explains_anything(options):
        return Explained()
    subject = build_subject(
        network,
        evaluation.predictions,
        evaluation.decider,
        evaluation.material,
        context.outcome.class_names,
        context.redactor,
    )
    folder, run = context.folder / EXPLAIN, context.run
    selection = parse_selection(options.get("select", "kinds"))
    explained = explain_all(subject, options, selection, subject.test, folder, trust)
    for part, error in explained.failures.items():
        evaluation.notes.append(
            f"The explanation failed at its {part} ({context.redactor.text(first_line(error))}); "
            f"everything else is complete. To try again: python -m idc.explain run={run.run_id}"
        )
    run.metrics(explained.metrics)
    run.artifacts(folder, EXPLAIN)
    run.tags(digest_tags(folder, (VERDICTS,), f"{EXPLAIN}/"))
    return explained


def record_report(context: RunContext, evaluation: Evaluation, explained: Explained) -> None:
    """Describe the run in MLflow; write and log page and model card, unless ``report=false``."""
    report, run = _run_report(context, evaluation, explained), context.run
    if context.config["report"]:
        page = context.folder / EVALUATION / REPORT
        write_run_page(report, page)
        run.artifacts(page, EVALUATION)
        for card in write_model_card(report, context.folder):
            run.artifacts(card)
    run.tags({NOTE_TAG: run_description(report, context.place.experiment_id)})


def record_model(context: RunContext, evaluation: Evaluation, network: Network) -> None:
    """Log the network with its calibration as a model that needs none of this code."""
    assert evaluation.decider is not None
    material = evaluation.material
    rows = material.rows("test").index.to_numpy()[:EXAMPLES]
    if len(rows) < 2:
        rows = material.rows("train").index.to_numpy()[:EXAMPLES]
    example = np.ascontiguousarray(material.patches[rows].transpose(0, 3, 1, 2))
    scorer = CalibratedScorer(network, evaluation.decider.calibration)
    scorer = scorer.cpu().eval().to(memory_format=torch.contiguous_format)
    names = context.outcome.class_names
    metadata = {"threshold": evaluation.threshold, "class_names": json.dumps(names)}
    if (thresholds := evaluation.decider.thresholds) is not None:
        metadata["thresholds"] = json.dumps(thresholds.each)
    log_model(context.run, scorer, example, len(names), metadata)


def _run_report(context: RunContext, evaluation: Evaluation, explained: Explained) -> RunReport:
    """The contents of a run's page and card."""
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
        per_label=numbers.per_label,
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
