"""What an evaluation leaves behind: metrics, tables, figures, attributions, page and model card."""

import json
import logging

import numpy as np
import torch

from idc.data.datamodule import PatchDataModule
from idc.engine.drawing import save_figures
from idc.engine.evaluation import Evaluation, save_evaluation
from idc.engine.explaining.subject import Subject, truth_of
from idc.engine.explaining.wanted import wants_anything
from idc.engine.explaining.whole import Explained, explain_all
from idc.engine.figures import evaluation_figures
from idc.engine.material import Material
from idc.engine.reporting import Account, run_report
from idc.errors import first_line
from idc.explain.select import parse_selection
from idc.models.calibrated import CalibratedScorer
from idc.models.network import Network
from idc.report.model_card import write_model_card
from idc.report.run_page import write_run_page
from idc.tracking.model import log_model
from idc.tracking.run import Run

log = logging.getLogger(__name__)
EXAMPLES = 4  # patches in the logged model's input example
EVALUATION = "evaluation"
EXPLAIN = "explain"
REPORT = "report.html"
CARD = "model_card.md"


def record_evaluation(account: Account, network: Network | None) -> Explained:
    """Log what was found.

    Args:
        account: What is to be told.
        network: Explained, if it is given; None for an ensemble.

    Returns:
        What was found when it was explained.
    """
    run, evaluation, folder = account.run, account.evaluation, account.folder
    patches, class_names = account.material.patches, account.class_names
    run.metrics(evaluation.metrics)
    run.metrics({f"cost/{name}_seconds": found.seconds for name, found in account.spent.items()})
    target = folder / EVALUATION
    save_evaluation(evaluation, target)
    if account.config["report"]:
        save_figures(evaluation_figures(evaluation, patches, class_names), target)
    # Logged before anything is explained: what was measured must not depend on it.
    run.artifacts(target, EVALUATION)
    explained = _explain(account, network) if network is not None else Explained()
    if account.config["report"]:
        report = run_report(account, explained)
        write_run_page(report, target / REPORT)
        run.artifacts(target / REPORT, EVALUATION)
        write_model_card(report, folder / CARD)
        run.artifacts(folder / CARD)
    return explained


def _explain(account: Account, network: Network) -> Explained:
    """Explain the test side as the configuration asks, and log it."""
    asked = account.config["explain"]
    if not wants_anything(asked):
        return Explained()
    material, evaluation = account.material, account.evaluation
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
        truth_of(material, account.redactor.pseudonyms is not None),
    )
    folder = account.folder / EXPLAIN
    selection = parse_selection(asked.get("select", "kinds"))
    try:
        explained = explain_all(subject, asked, selection, subject.test, folder)
    except Exception as error:  # after hours of training no map is worth the rest
        log.exception("the explanation failed")
        reason = account.redactor.text(first_line(error))
        evaluation.notes.append(
            f"The explanation failed ({reason}); all else is as it should be. To try again: "
            f"python -m idc.explain run={account.run.run_id}"
        )
        return Explained()
    account.run.metrics(explained.metrics)
    account.run.artifacts(folder, EXPLAIN)
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
