"""What an evaluation leaves behind: metrics, tables, figures, attributions, page and model card."""

import json
import logging

import numpy as np
import torch

from idc.data.datamodule import PatchDataModule
from idc.engine.evaluation import Evaluation, save_evaluation
from idc.engine.explaining import explain_cases
from idc.engine.figures import evaluation_figures, save_figures
from idc.engine.material import Material
from idc.engine.reporting import Account, run_report
from idc.models.calibrated import CalibratedScorer
from idc.models.network import Network
from idc.report.model_card import write_model_card
from idc.report.run_page import write_run_page
from idc.tracking.model import log_model
from idc.tracking.run import Run

log = logging.getLogger(__name__)
EXAMPLES = 4  # patches in the logged model's input example
EVALUATION = "evaluation"
REPORT = "report.html"
CARD = "model_card.md"


def record_evaluation(account: Account, network: Network | None) -> None:
    """Log what was found.

    Args:
        account: What is to be told.
        network: Explained on single patches, where it is; None for an ensemble.
    """
    run, evaluation, folder = account.run, account.evaluation, account.folder
    patches, class_names = account.material.patches, account.class_names
    run.metrics(evaluation.metrics)
    run.metrics({f"cost/{name}_seconds": found.seconds for name, found in account.spent.items()})
    target = folder / EVALUATION
    save_evaluation(evaluation, target)
    if account.config["report"]:
        save_figures(evaluation_figures(evaluation, patches, class_names), target)
    if network is not None:
        device = next(network.parameters()).device
        explained = explain_cases(
            network, evaluation, patches, class_names, account.config, device, folder
        )
        if explained is not None:
            run.artifacts(explained, "explain")
    if account.config["report"]:
        report = run_report(account)
        write_run_page(report, target / REPORT)
        write_model_card(report, folder / CARD)
        run.artifacts(folder / CARD)
    run.artifacts(target, EVALUATION)


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
