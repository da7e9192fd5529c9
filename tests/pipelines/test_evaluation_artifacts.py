"""From a network and its data to what MLflow holds of its evaluation."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, roc_auc_score
from stored_run import CLASSES, CPU, SCORING, SMALL, LoggedRun

from idc.evaluation.decision import load_decider
from idc.evaluation.evaluate import Evaluation, evaluate
from idc.models.network import Network
from idc.pipelines.build import build_network
from idc.pipelines.dataset import load_material
from idc.pipelines.evaluation_artifacts import (
    record_evaluation,
    record_explanation,
    record_report,
)
from idc.pipelines.run_context import RunContext
from idc.pipelines.scoring import scoring_data
from idc.runtime.cost import Cost
from idc.runtime.drawing import Drawer
from idc.runtime.outcome import Outcome
from idc.tracking.privacy import Redactor

Config = dict[str, Any]
Evaluated = tuple[RunContext, Evaluation, Network]
MAPS = ("explain=saliency", "explain.per_kind=1", "explain.parts=false")


@pytest.fixture
def make(compose: Callable[..., Config], tmp_path: Path) -> Callable[..., Evaluated]:
    """Evaluate an untrained network on drawn patches."""

    def run(*overrides: str) -> Evaluated:
        config = compose(*SMALL, f"paths.root={tmp_path}", "intervals.draws=40", *overrides)
        material = load_material(config)
        torch.manual_seed(0)
        network = build_network(config, 2, ([0.5] * 3, [0.2] * 3)).eval()
        data = scoring_data(material, {**config, **SCORING})
        evaluation = evaluate(network, material, data, config, CPU)
        outcome = Outcome("mine", run_id="a", class_names=list(CLASSES))
        context = RunContext(outcome, config, tmp_path, Redactor(True, None, tmp_path), LoggedRun())
        context.costs["evaluate"] = Cost(2.0)
        return context, evaluation, network

    return run


def logged(context: RunContext) -> LoggedRun:
    assert isinstance(context.run, LoggedRun)
    return context.run


def test_metrics_of_the_decisions_reach_the_run(make: Callable[..., Evaluated]) -> None:
    context, evaluation, _ = make("report=false", "split.test_patients=[9004,9005]")
    record_evaluation(context, evaluation)
    values, test = logged(context).logged, evaluation.split("test")
    assert evaluation.threshold == values["val/threshold"]
    assert (test["predicted"] == (test["score"] >= evaluation.threshold)).all()
    assert values["test/f1"] == pytest.approx(f1_score(test["label"], test["predicted"]))
    assert values["test/f1_at_0.5"] == pytest.approx(f1_score(test["label"], test["score"] >= 0.5))
    assert values["test/auroc"] == pytest.approx(roc_auc_score(test["label"], test["score"]))
    assert values["test/f1_ci_low"] <= values["test/f1"] <= values["test/f1_ci_high"]
    raw = -np.log(np.where(test["label"], test["score_raw"], 1 - test["score_raw"]))
    assert values["test/loss"] == pytest.approx(raw.mean(), rel=1e-6)
    assert values["time/evaluate_seconds"] == 2.0
    assert values["idc.digest.evaluation/predictions.parquet"]
    assert "baseline/class_prior/f1" in values
    tables = ("predictions.parquet", "decision.json", "metrics.json", "per_patient.csv")
    assert {f"evaluation/{name}" for name in tables} <= set(logged(context).files)
    assert load_decider(context.folder / "evaluation" / "decision.json") == evaluation.decider
    assert context.outcome.metrics == evaluation.metrics


def test_page_and_card_unless_there_is_to_be_no_report(make: Callable[..., Evaluated]) -> None:
    context, evaluation, _ = make("report=false")
    record_report(context, evaluation, record_explanation(context, evaluation, None))
    assert logged(context).files == []
    context.config = {**context.config, "report": True}
    context.evaluates = ["b"]
    record_report(context, evaluation, record_explanation(context, evaluation, None))
    assert logged(context).files == ["evaluation/report.html", "model_card.md", "README.md"]
    assert "runs:/b/model" in (context.folder / "model_card.md").read_text()


def test_a_part_of_the_explanation_that_fails_is_a_note(
    make: Callable[..., Evaluated], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **options: object) -> None:
        raise RuntimeError("no memory for this")

    monkeypatch.setattr(Drawer, "finish", fail)
    context, evaluation, network = make(*MAPS)
    evaluation = replace(evaluation, numbers=replace(evaluation.numbers, notes=[]))
    explained = record_explanation(context, evaluation, network)
    assert list(explained.failures) == ["figures"]
    (note,) = evaluation.notes
    assert "figures (no memory for this)" in note
    assert "run=a" in note
    assert {"explain/cases.parquet", "explain/attributions.npz"} <= set(logged(context).files)


def test_an_ensemble_and_explain_none_are_not_explained(make: Callable[..., Evaluated]) -> None:
    context, evaluation, network = make("explain=none")
    assert record_explanation(context, evaluation, network).metrics == {}
    context.config = {
        **context.config,
        "explain": context.config["explain"] | {"methods": {"any": {}}},
    }
    assert record_explanation(context, evaluation, None).metrics == {}
    assert logged(context).files == []
