"""What an evaluation leaves behind: metrics, tables, figures, attributions, page and model card."""

import json
import logging

import numpy as np
import torch

from idc.attribution.pipeline.explained_model import Subject
from idc.attribution.pipeline.faithfulness_step import VERDICTS
from idc.attribution.pipeline.options import wants_anything
from idc.attribution.pipeline.run_steps import Explained, explain_all
from idc.attribution.pipeline.stored_verdicts import EXPLAIN
from idc.attribution.select import parse_selection
from idc.data.datamodule import PatchDataModule
from idc.data.material import Material
from idc.errors import first_line
from idc.evaluation.decision import FILE as DECISION
from idc.evaluation.evaluate import Evaluation, save_evaluation
from idc.evaluation.figures import evaluation_figures
from idc.models.calibrated import CalibratedScorer
from idc.models.network import Network
from idc.pipelines.report_inputs import Account, run_report
from idc.reports.model_card import write_model_card
from idc.reports.run_page import write_run_page
from idc.runtime.drawing import save_figures
from idc.tracking.integrity import digest_tags
from idc.tracking.mlflow_run import Run
from idc.tracking.model import log_model

log = logging.getLogger(__name__)
EXAMPLES = 4  # patches in the logged model's input example
EVALUATION = "evaluation"
READ_BACK = (DECISION, "predictions.parquet", "baselines.parquet")
REPORT = "report.html"
CARD = "model_card.md"


def record_evaluation(account: Account) -> None:
    """Log what was found: metrics, tables and figures."""
    run, evaluation, folder = account.run, account.evaluation, account.folder
    run.metrics(evaluation.metrics)
    run.metrics({f"cost/{name}_seconds": found.seconds for name, found in account.costs.items()})
    target = folder / EVALUATION
    save_evaluation(evaluation, target)
    if account.config["report"]:
        figures = evaluation_figures(evaluation, account.material.patches, account.class_names)
        save_figures(figures, target)
    run.artifacts(target, EVALUATION)
    run.tags(digest_tags(folder, (f"{EVALUATION}/{name}" for name in READ_BACK)))


def record_explanation(account: Account, network: Network | None) -> dict[str, float]:
    """Explain the test split as the configuration asks, then write page and model card.

    What fails to be explained is told in the evaluation's notes; the rest is logged all the same.

    Args:
        account: A run whose evaluation has been recorded.
        network: Explained, if it is given; None for an ensemble.

    Returns:
        The metrics of the explanation.
    """
    run, folder = account.run, account.folder
    explained = _explain(account, network) if network is not None else Explained()
    if account.config["report"]:
        report = run_report(account, explained)
        write_run_page(report, folder / EVALUATION / REPORT)
        run.artifacts(folder / EVALUATION / REPORT, EVALUATION)
        write_model_card(report, folder / CARD)
        run.artifacts(folder / CARD)
    return explained.metrics


def _explain(account: Account, network: Network) -> Explained:
    asked = account.config["explain"]
    if not wants_anything(asked):
        return Explained()
    material, evaluation, redactor = account.material, account.evaluation, account.redactor
    rule = evaluation.decider.rule if evaluation.decider else None
    subject = Subject(
        network,
        evaluation.predictions,
        material.index,
        material.patches,
        account.class_names,
        material.source.patch_size,
        evaluation.threshold,
        next(network.parameters()).device,
        rule.choose if rule else None,
        redactor.pseudonym_of,
        material.truth,
    )
    folder = account.folder / EXPLAIN
    selection = parse_selection(asked.get("select", "kinds"))
    explained = explain_all(subject, asked, selection, subject.test, folder)
    for part, error in explained.failures.items():
        evaluation.notes.append(
            f"The explanation failed at its {part} ({redactor.text(first_line(error))}); all else "
            f"is as it should be. To try again: python -m idc.explain run={account.run.run_id}"
        )
    account.run.metrics(explained.metrics)
    account.run.artifacts(folder, EXPLAIN)
    account.run.tags(digest_tags(folder, (VERDICTS,), f"{EXPLAIN}/"))
    return explained


def record_model(
    run: Run,
    network: Network,
    evaluation: Evaluation,
    material: Material,
    data: PatchDataModule,
) -> None:
    """Log the network with its calibration as a model that needs none of this code."""
    assert evaluation.decider is not None
    rows = data.rows("test")[:EXAMPLES]
    if len(rows) < 2:
        rows = data.rows("train")[:EXAMPLES]
    example = np.ascontiguousarray(material.patches[rows].transpose(0, 3, 1, 2))
    scorer = CalibratedScorer(network, evaluation.decider.calibration)
    scorer = scorer.cpu().eval().to(memory_format=torch.contiguous_format)
    metadata = {"threshold": evaluation.threshold, "class_names": json.dumps(data.class_names)}
    log_model(run, scorer, example, len(data.class_names), metadata)
