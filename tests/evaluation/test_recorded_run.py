"""A recorded run keeps its metrics, whatever becomes of the code that computes them.

``recorded_run/`` has predictions of 12 test patients with two classes by three models, of 6 with
three classes, and what was computed from them (``metrics.json``). After an intended change of a
number ``python tests/evaluation/test_recorded_run.py`` writes it again; the diff shows the change.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from idc.comparison.contestant import Contestant, pool_folds
from idc.comparison.significance import compare
from idc.evaluation.decision import Decider
from idc.evaluation.inference import Inference
from idc.evaluation.predictions import decide, probabilities_of, raw_predictions
from idc.evaluation.test_metrics import take_numbers
from idc.metrics.calibration import Calibration, CalibrationRule
from idc.metrics.threshold import ThresholdRule

FOLDER = Path(__file__).parent / "recorded_run"
RECORD = FOLDER / "metrics.json"
RULES = {
    "max_f1": ThresholdRule(),
    "youden": ThresholdRule("youden"),
    "recall": ThresholdRule("recall>=0.9"),
    "precision": ThresholdRule("precision>=0.8"),
    "cost": ThresholdRule("cost"),
}
TEMPERATURE = Calibration("temperature", temperature=1.6)
THIN = 40  # every so many rows of a long table
LOOSE = 1e-6  # of fits, which end at the tolerance of an optimiser


@cache
def index(name: str) -> pd.DataFrame:
    """The patches of a set, with the scores of its models."""
    return pd.read_csv(FOLDER / f"{name}.csv", keep_default_na=False, na_values={"score_a": [""]})


def scored(split: str, model: str = "") -> pd.DataFrame:
    """The undecided predictions of a split: of a model of two classes, or of the three classes."""
    patches = index("two_classes" if model else "three_classes")
    rows = np.flatnonzero(patches["split"] == split)
    columns = [f"score_{model}"] if model else [f"score_{i}" for i in range(3)]
    scores = patches.iloc[rows][columns].astype(float).to_numpy()
    probabilities = np.column_stack([1 - scores, scores]) if model else scores
    return raw_predictions(patches, rows, probabilities)


def decided(model: str = "", calibration: Calibration = TEMPERATURE) -> tuple[Any, Decider]:
    """The decided test predictions, and what decided them."""
    threshold = rule = None
    if model:
        rule, val = ThresholdRule(), scored("val", model)
        scores = calibration.apply(probabilities_of(val, 2))[:, 1]
        threshold = rule.choose(val["label"].to_numpy(), scores)
    decider = Decider(calibration, threshold, rule, Inference())
    return decide(scored("test", model), decider, 2 if model else 3), decider


def numbers(model: str = "") -> dict[str, Any]:
    """Metrics and tables of the test split."""
    test, decider = decided(model)
    config = {"intervals": {"draws": 200, "level": 0.95}}
    patches = index("two_classes" if model else "three_classes")
    names = ("no IDC", "IDC") if model else ("a", "b", "c")
    result = take_numbers(test, patches, len(names), config, decider, class_names=names)
    metrics = {k: x for k, x in result.metrics.items() if not k.startswith("test/label/")}
    return {
        "threshold": decider.threshold,
        "metrics": metrics,
        "per_patient": columns(result.per_patient),
        "slices": columns(result.slices),
        "risk_coverage": columns(result.risk_coverage.iloc[::THIN]),
    }


def comparison() -> dict[str, Any]:
    """Paired tests of two models, of a baseline, and of a model with two repeats."""
    a, b, again = (pool_folds({"": decided(model)[0]}) for model in ("a", "b", "b2"))
    prior = a.assign(score=0.3, predicted=0)
    single = [
        Contestant("a", {"": a}, 2),
        Contestant("b", {"": b}, 2),
        Contestant("class prior", {"": prior}, 2, "baseline"),
    ]
    repeated = [single[0], Contestant("b", {"seed=1": b, "seed=2": again}, 2)]
    record = {}
    for name, contestants in (("single", single), ("repeats", repeated)):
        result = compare(contestants, draws=200)
        record[name] = {
            "estimates": columns(result.estimates),
            "differences": columns(result.differences),
        }
    return record


def fits() -> dict[str, Any]:
    """Calibrations and thresholds chosen on validation."""
    val, three = scored("val", "a"), scored("val")
    two = val["label"].to_numpy(), probabilities_of(val, 2)
    calibrations = {
        method: CalibrationRule(method).fit(*two).to_dict()
        for method in ("temperature", "platt", "isotonic")
    }
    more = CalibrationRule("temperature").fit(three["label"].to_numpy(), probabilities_of(three, 3))
    thresholds = {name: rule.choose(two[0], two[1][:, 1]) for name, rule in RULES.items()}
    return calibrations | {"three": more.to_dict(), "thresholds": thresholds}


def columns(table: pd.DataFrame) -> dict[str, list[Any]]:
    """A table as plain values."""
    return {str(name): table[name].tolist() for name in table}


def computed(part: str) -> dict[str, Any]:
    """A part of the record, computed now."""
    parts = {"two": lambda: numbers("a"), "three": numbers, "comparison": comparison, "fits": fits}
    return json.loads(json.dumps(parts[part]()))


def assert_equal(now: Any, then: Any, place: str) -> None:
    """All recorded values are there, and equal."""
    if isinstance(then, dict):
        assert then.keys() <= now.keys(), place
        for name, value in then.items():
            assert_equal(now[name], value, f"{place}/{name}")
    elif isinstance(then, list):
        assert len(now) == len(then), place
        for number, (one, other) in enumerate(zip(now, then, strict=True)):
            assert_equal(one, other, f"{place}/{number}")
    elif isinstance(then, float):
        tolerance = LOOSE if place.startswith("fits/") else 1e-9
        assert now == pytest.approx(then, rel=0, abs=tolerance, nan_ok=True), place
    else:
        assert now == then, place


@pytest.mark.parametrize("part", ["two", "three", "comparison", "fits"])
def test_a_recorded_run_keeps_its_metrics(part: str) -> None:
    assert_equal(computed(part), json.loads(RECORD.read_text())[part], part)


if __name__ == "__main__":
    record = {part: computed(part) for part in ("two", "three", "comparison", "fits")}
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
