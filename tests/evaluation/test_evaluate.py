"""What an evaluation holds and writes; `idc.evaluation.evaluate.evaluate` runs in pipelines."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from finished_runs import predictions

from idc.evaluation.baselines import Baselines
from idc.evaluation.decision import Decider, load_decider
from idc.evaluation.evaluate import Evaluation, save_evaluation, thinned
from idc.evaluation.inference import Inference
from idc.evaluation.test_metrics import Numbers
from idc.metrics.calibration import Calibration
from idc.metrics.threshold import ThresholdRule

NUMBERS = Numbers(
    {"test/f1": 0.75},
    pd.DataFrame({"patient": ["1"], "f1": [1 / 3]}),
    pd.DataFrame(),
    pd.DataFrame({"coverage": np.linspace(0, 1, 5000)}),
    "",
    ["a caveat"],
)
DECIDER = Decider(Calibration("none"), 0.4, ThresholdRule(), Inference())


def evaluation(decider: Decider | None = DECIDER) -> Evaluation:
    frames = [predictions(0).assign(split="val"), predictions(1)]
    simple = Baselines(
        pd.DataFrame({"baseline": ["class prior"]}),
        pd.DataFrame({"baseline": ["class prior"], "f1": [0.5], "auroc": [np.nan]}).reindex(
            columns=["baseline", "recall", "f1", "auroc", "specificity", "balanced_accuracy",
                     "average_precision"]
        ),
    )  # fmt: skip
    table = pd.concat(frames, ignore_index=True)
    return Evaluation(table, decider, NUMBERS, None, simple)  # type: ignore[arg-type]


def test_metrics_are_named_as_in_mlflow() -> None:
    assert evaluation().metrics == {
        "test/f1": 0.75,
        "val/threshold": 0.4,
        "baseline/class_prior/f1": 0.5,
    }
    pooled = evaluation(None)
    assert pooled.threshold is None
    assert "val/threshold" not in pooled.metrics
    assert len(pooled.split("val")) == len(pooled.split("test")) == 40


def test_an_evaluation_is_written_with_its_decision(tmp_path: Path) -> None:
    save_evaluation(evaluation(), tmp_path / "new", ("no IDC", "IDC"))
    files = {path.name for path in (tmp_path / "new").iterdir()}
    assert files == {
        *("predictions.parquet", "baselines.parquet", "decision.json", "metrics.json"),
        *("per_patient.csv", "risk_coverage.csv"),  # an empty table is no file
        *("classification_report.txt", "classification_report.csv"),
    }
    assert load_decider(tmp_path / "new" / "decision.json") == DECIDER
    content = json.loads((tmp_path / "new" / "metrics.json").read_text())
    assert (content["threshold"], content["notes"]) == (0.4, ["a caveat"])
    assert content["metrics"] == evaluation().metrics
    assert len(pd.read_csv(tmp_path / "new" / "risk_coverage.csv")) == 2000


def test_a_long_table_is_thinned_evenly_with_both_ends() -> None:
    table = pd.DataFrame({"row": range(1001)})
    assert thinned(table, 11)["row"].tolist() == list(range(0, 1001, 100))
    assert thinned(table, 1001) is table
