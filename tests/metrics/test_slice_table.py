"""The table of the errors of slices, with their intervals."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from slice_cases import predictions

from idc.metrics.bootstrap import bootstrap
from idc.metrics.slice_columns import slice_columns
from idc.metrics.slice_table import slice_metrics, slice_table
from idc.metrics.statistics import Prediction


def test_what_is_not_known_of_the_patches_makes_no_slices() -> None:
    frame = predictions()[["patient", "label", "predicted", "score"]]
    assert slice_columns(frame).columns.tolist() == []
    assert slice_table(frame, slice_columns(frame))["value"].tolist() == ["all patches"]
    nothing_found = slice_columns(frame.assign(checks=pd.Categorical([""] * 36)))
    assert nothing_found.columns.tolist() == []


def test_a_row_is_the_metrics_of_its_patches() -> None:
    frame = predictions(36 * 5)
    columns = slice_columns(frame)
    table = slice_table(frame, columns)
    assert table["slice"].tolist()[:3] == ["all", "region", "region"]
    for row in table.to_dict("records"):
        inside = np.ones(len(frame), bool)
        if row["slice"] != "all":
            same = [c for c in columns if c.partition("/")[0] == row["slice"]]
            inside = (columns[same] == row["value"]).any(axis=1).to_numpy()
        part = frame[inside]
        y, called = part["label"], part["predicted"]
        assert row["patches"] == len(part)
        assert row["patients"] == part["patient"].nunique()
        assert row["positive"] == pytest.approx(y.mean())
        assert row["error_rate"] == pytest.approx((y != called).mean())
        assert row["tp"] + row["fp"] + row["fn"] + row["tn"] == len(part)
        if row["patients"] < 2:
            assert np.isnan(row["error_rate_ci_low"])
            continue
        assert row["error_rate_ci_low"] <= row["error_rate"] <= row["error_rate_ci_high"]
        if y.nunique() == 2:
            assert row["recall"] == pytest.approx(sk.recall_score(y, called))
            assert row["f1"] == pytest.approx(sk.f1_score(y, called))
            assert row["auroc"] == pytest.approx(sk.roc_auc_score(y, part["score"]))
            assert row["recall_ci_low"] <= row["recall"] <= row["recall_ci_high"]
        else:
            assert np.isnan(row["auroc"])


def test_where_errors_gather_is_marked() -> None:
    frame = predictions(36 * 20)
    frame["predicted"] = frame["label"]
    edge = slice_columns(frame)["region"] == "edge of tissue"
    wrong = edge & (np.random.default_rng(0).random(len(frame)) < 0.3) & (frame["label"] == 1)
    frame.loc[wrong, "predicted"] = 0
    table = slice_table(frame, slice_columns(frame)).set_index("value")
    assert table.loc["edge of tissue", ["worse", "misses_more"]].all()
    assert not table.loc["inside", ["worse", "misses_more"]].any()
    assert not table.loc["all patches", ["worse", "misses_more"]].any()
    chance = predictions(36 * 20)
    chance["predicted"] = np.random.default_rng(1).integers(0, 2, len(chance))
    assert slice_table(chance, slice_columns(chance))["worse"].mean() < 0.2


def test_three_classes_have_errors_alone() -> None:
    frame = predictions(36 * 3).drop(columns="score")
    frame["label"] = np.arange(len(frame)) % 3
    frame["predicted"] = np.where(frame["x"] > 151, 2, frame["label"])
    table = slice_table(frame, slice_columns(frame), classes=3)
    assert "recall" not in table
    assert table["accuracy"].to_numpy() == pytest.approx(1 - table["error_rate"].to_numpy())
    assert table["accuracy"][0] == pytest.approx((frame["label"] == frame["predicted"]).mean())


@pytest.mark.parametrize("patients", [3, 20])
def test_all_patches_have_the_interval_of_the_headline(patients: int) -> None:
    """Seen on one page: a recall of 89 to 93 in the headline, of 84.8 to 95.0 in the slices."""
    frame = predictions(36 * patients)
    labels, scores, patients = (frame[name].to_numpy() for name in ("label", "score", "patient"))
    prediction = Prediction(scores, {"": frame["predicted"].to_numpy()})
    bounds = bootstrap(labels, prediction, patients, draws=300, level=0.9).bounds
    row = slice_table(frame, slice_columns(frame), draws=300, level=0.9).iloc[0]
    assert (row["recall_ci_low"], row["recall_ci_high"]) == pytest.approx(bounds["recall"])
    low, high = bounds["accuracy"]
    assert row["error_rate_ci_low"] == pytest.approx(1 - high)
    assert row["error_rate_ci_high"] == pytest.approx(1 - low)


def test_patients_that_differ_widen_the_interval_of_a_slice() -> None:
    wrong = {"even": np.tile([1] * 5 + [0] * 45, 10), "apart": np.repeat([0, 0.5], [400, 100])}
    width = {}
    for name, share in wrong.items():
        errors = np.where(share == 0.5, np.arange(500) % 2, share).astype(int)
        frame = pd.DataFrame({"patient": np.repeat(np.arange(10), 50).astype(str), "label": 1})
        frame = frame.assign(predicted=1 - errors, score=0.5)
        row = slice_table(frame, pd.DataFrame(index=frame.index)).iloc[0]
        assert row["error_rate"] == pytest.approx(0.1)
        width[name] = row["error_rate_ci_high"] - row["error_rate_ci_low"]
    assert width["even"] == pytest.approx(0, abs=1e-9)  # all ten patients are alike
    assert width["apart"] > 0.2


def test_two_patients_that_agree_by_chance_have_the_error_of_independent_patches() -> None:
    """Seen: an error rate of 0.23 on 197 patches of two patients, from 0.21 to 0.25."""
    frame = pd.DataFrame({"patient": np.repeat(["a", "b"], 100), "label": 1, "score": 0.5})
    frame["predicted"] = np.tile(np.arange(100) >= 23, 2).astype(int)
    row = slice_table(frame, pd.DataFrame(index=frame.index)).iloc[0]
    error = (0.23 * 0.77 / 200) ** 0.5
    assert row["error_rate_ci_low"] < 0.23 - 2 * error
    assert row["error_rate_ci_high"] > 0.23 + 2 * error


def test_without_draws_there_are_no_intervals_and_nothing_stands_out() -> None:
    frame = predictions(36 * 5)
    table = slice_table(frame, slice_columns(frame), draws=0)
    assert table[["recall_ci_low", "error_rate_ci_high"]].isna().all(axis=None)
    assert not table[["worse", "misses_more"]].any(axis=None)


def test_metrics_have_names_that_can_be_logged() -> None:
    frame = predictions(36 * 2)
    columns = slice_columns(frame).assign(**{"finding/odd": "Übergröße: 5 µm (é)"})
    result = slice_metrics(slice_table(frame, columns))
    assert "slice/edge_of_tissue/recall" in result
    assert "slice/ink/error_rate" in result
    assert "slice/glass/recall" not in result  # no positives: undefined
    assert all(re.fullmatch(r"[A-Za-z0-9_./ -]+", name) for name in result)
    assert all(np.isfinite(value) for value in result.values())
    assert not any("all_patches" in name for name in result)


def test_values_of_the_same_name_stay_apart() -> None:
    frame = predictions(36 * 2)
    columns = pd.DataFrame({"fold": frame["patient"], "repeat": "0", "mark": ["?", "!"] * 36})
    names = {name.split("/")[1] for name in slice_metrics(slice_table(frame, columns))}
    assert names == {"fold_0", "1", "repeat_0", "mark_unnamed", "mark_unnamed_2"}
