"""Paired tests between classifiers: families, corrections, and which tests apply."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from finished_runs import predictions

from idc.comparison.contestant import Contestant, pool_folds
from idc.comparison.significance import Comparison, compare
from idc.metrics.bootstrap import holm
from idc.metrics.delong import delong
from idc.metrics.mcnemar import mcnemar


def scored(skill: float) -> pd.DataFrame:
    """Predictions of twelve patients."""
    return pool_folds({str(fold): predictions(fold, skill) for fold in range(3)})


def contestants() -> Iterator[Contestant]:
    """A good and a poor setting, and two baselines."""
    for name, skill, kind in (("good", 3, "run"), ("poor", 0.2, "run"), ("x", 0, "baseline")):
        yield Contestant(name, {"": scored(skill)}, 2, kind)  # type: ignore[arg-type]
    yield Contestant("y", {"": scored(-0.5)}, 2, "baseline")


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare(list(contestants()), draws=60)


def test_baselines_are_compared_with_settings_alone(comparison: Comparison) -> None:
    pairs = comparison.differences.groupby("family")[["a", "b"]].agg(set)
    assert pairs.loc["settings"].tolist() == [{"good"}, {"poor"}]
    assert pairs.loc["baselines"].tolist() == [{"good", "poor"}, {"x", "y"}]
    assert set(comparison.estimates["name"]) == {"good", "poor", "x", "y"}


def test_each_family_of_a_metric_is_corrected_by_itself(comparison: Comparison) -> None:
    table = comparison.differences
    for _, part in table.groupby(["metric", "family"]):
        assert part["p_holm"].tolist() == holm(part["p"].to_numpy()).tolist()
    assert (table["apart"] == (table["p_holm"] < 0.05)).all()
    assert table.query("metric == 'auroc' and a == 'good'")["apart"].all()


def test_classical_tests_are_of_their_metrics(comparison: Comparison) -> None:
    first = comparison.differences.groupby("metric").first()
    a, b = scored(3), scored(0.2)
    labels, patients = a["label"].to_numpy(), a["patient"].to_numpy(object)
    assert first.loc["auroc", "p_delong_patients"] == pytest.approx(
        delong(labels, a["score"].to_numpy(), b["score"].to_numpy(), patients).p
    )
    right = [(frame["predicted"] == frame["label"]).to_numpy() for frame in (a, b)]
    assert first.loc["accuracy", "p_mcnemar"] == pytest.approx(mcnemar(*right, patients).p)
    assert np.isnan(first.loc["f1", ["p_delong", "p_mcnemar"]].astype(float)).all()


def test_several_repeats_have_no_classical_test() -> None:
    two = Contestant("two", {"seed=1": scored(1), "seed=2": scored(2)}, 2)
    one = Contestant("one", {"": scored(0.5)}, 2)
    table = compare([two, one], ("auroc", "accuracy"), draws=60).differences
    assert table[["p_delong", "p_mcnemar"]].isna().all(axis=None)
    assert table["p"].notna().all()
