"""What an evaluation leaves behind: metrics, tables, figures, attributions, page and model card."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from idc.data.datamodule import PatchDataModule
from idc.engine.config import Config
from idc.engine.cost import Spent
from idc.engine.evaluation import Evaluation, save_evaluation
from idc.engine.explaining import explain_cases
from idc.engine.figures import evaluation_figures, save_figures
from idc.engine.material import Material
from idc.engine.reporting import Kind, run_report
from idc.models.calibrated import CalibratedScorer
from idc.models.network import Network
from idc.report.model_card import write_model_card
from idc.report.run_page import write_run_page
from idc.tracking.model import log_model
from idc.tracking.privacy import Redactor
from idc.tracking.run import Run

log = logging.getLogger(__name__)
EXAMPLES = 4  # patches in the logged model's input example
EVALUATION = "evaluation"
REPORT = "report.html"
CARD = "model_card.md"


def record_evaluation(
    run: Run,
    config: Config,
    network: Network | None,
    evaluation: Evaluation,
    material: Material,
    class_names: Sequence[str],
    folder: Path,
    kind: Kind,
    spent: Mapping[str, Spent],
    redactor: Redactor,
    name: str,
    model_uri: str = "",
) -> None:
    """Log what was found.

    Args:
        run: The run.
        config: The configuration of the run that is asked.
        network: Explained on single patches, where it is; None for an ensemble.
        evaluation: What was found.
        material: The data.
        class_names: A name a class.
        folder: The run's folder.
        kind: What was done.
        spent: What ``train`` and ``evaluate`` cost, as far as it is known.
        redactor: Takes out of page and card what must not be logged.
        name: Of the run.
        model_uri: Where the model lies, if not in the run itself.
    """
    run.metrics(evaluation.metrics)
    run.metrics({f"cost/{name}_seconds": found.seconds for name, found in spent.items()})
    target = folder / EVALUATION
    save_evaluation(evaluation, target)
    save_figures(evaluation_figures(evaluation, material.patches, class_names), target)
    if network is not None:
        device = next(network.parameters()).device
        explained = explain_cases(
            network, evaluation, material.patches, class_names, config, device, folder
        )
        if explained is not None:
            run.artifacts(explained, "explain")
    report = run_report(
        run,
        config,
        evaluation,
        material,
        class_names,
        folder,
        kind,
        spent,
        redactor,
        name,
        model_uri,
    )
    write_run_page(report, target / REPORT)
    run.artifacts(target, EVALUATION)
    write_model_card(report, folder / CARD)
    run.artifacts(folder / CARD)


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
