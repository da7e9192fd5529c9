"""The tables of a run, for its page and its card."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_cases import config, make_run

from idc.metrics.definitions import METRICS
from idc.reports import run_tables as tables
from idc.reports.run_tables import cost, model_uri, provenance


def test_the_headline_has_defined_metrics_with_interval_and_meaning(tmp_path: Path) -> None:
    table = tables.headline_table(make_run(tmp_path)).set_index("measure")
    assert table["value"].tolist() == [0.96, 0.88, 0.87, 0.9, 0.95]  # recall first
    assert table.loc["AUROC", "interval"] == "0.910 to 0.970"
    assert table.loc["F1", ["interval", "at 0.5"]].tolist() == ["-", 0.81]
    assert np.isnan(table.loc["AUROC", "at 0.5"])
    assert table["meaning"].str.contains("IDC").sum() == 3
    assert "at 0.5" not in tables.headline_table(make_run(tmp_path, classes=3))
    assert set(tables.metric_meanings(make_run(tmp_path, classes=3))) == set(METRICS)


def test_baselines_and_model_stand_by_auroc(tmp_path: Path) -> None:
    rows = pd.DataFrame({"baseline": ["class_prior", "colour"], "auroc": [0.5, 0.97], "brier": 0.1})
    table = tables.baseline_comparison(make_run(tmp_path, baselines=rows))
    assert table["who"].tolist() == ["baseline: colour", "the model", "baseline: class prior"]
    assert list(table) == ["who", "AUROC"]
    assert tables.baseline_comparison(make_run(tmp_path, baselines=pd.DataFrame())).empty


def test_smoothing_shows_the_change_with_its_interval(tmp_path: Path) -> None:
    assert tables.smoothing_comparison(make_run(tmp_path)).empty
    rows = pd.DataFrame(
        [("f1", 0.8, 0.85, 0.05, 0.01, 0.09, 7, 2), ("auroc", np.nan, *[np.nan] * 6),
         ("recall", 0.9, 0.8, -0.1, np.nan, np.nan, np.nan, np.nan)],
        columns=["metric", "plain", "smoothed", "difference", "low", "high",
                 "patients_higher", "patients_lower"],
    )  # fmt: skip
    table = tables.smoothing_comparison(make_run(tmp_path, smoothing=rows))
    assert table["difference"].tolist() == ["+0.050", "-0.100"]
    assert table["interval"].tolist() == ["0.010 to 0.090", "-"]
    assert table["patients higher / lower"].tolist() == ["7 / 2", ""]


def test_calibration_stands_beside_what_it_was_before(tmp_path: Path) -> None:
    (row,) = tables.calibration_table(make_run(tmp_path)).to_dict("records")
    assert (row["now"], row["before calibration"]) == (0.031, 0.087)
    plain = tables.calibration_table(make_run(tmp_path, metrics={"test/brier": 0.1}))
    assert list(plain) == ["measure", "now"]


@pytest.mark.parametrize(
    ("split", "shown"), [({"folds": 5, "fold": 2}, True), ({"fold": 0}, False)]
)
def test_settings_are_those_that_are_set(
    split: dict[str, object], shown: bool, tmp_path: Path
) -> None:
    weights = {"weights": "somewhere/private/resnet.pt"}
    report = make_run(tmp_path, config=config(split=split, backbone=weights))
    settings = tables.settings_table(report).set_index("setting")["value"]
    assert settings["first weights"] == "resnet.pt"
    assert settings["epochs at most"] == "8"
    assert ("fold" in settings) == ("folds" in settings) == shown


def test_patients_are_shown_lowest_recall_first_and_summed_up(tmp_path: Path) -> None:
    report = make_run(tmp_path)
    table = tables.patient_table(report.per_patient)
    assert table["recall"].is_monotonic_increasing
    assert table["positive"].tolist() == [25] * 12
    (row,) = tables.patient_summary(report).to_dict("records")  # specificity is unknown
    assert (row["measure"], row["patients"]) == ("recall", 12)
    assert (row["worst"], row["median"], row["best"]) == pytest.approx((0.61, 0.8, 0.99))


def test_slices_have_their_intervals_in_the_cell(tmp_path: Path) -> None:
    table = tables.slice_table(make_run(tmp_path))
    assert table["by"].tolist() == ["finding", "darkness"]
    assert table["which"].tolist() == ["near white", "dark"]
    assert table["recall"].tolist() == ["-", "0.700 (0.60 to 0.80)"]
    bare = replace(make_run(tmp_path), slices=pd.DataFrame())
    assert tables.slice_table(bare).empty


def test_columns_without_a_value_are_left_out() -> None:
    methods = pd.DataFrame({"method": ["a"], "verdict": ["trust"], "pointing_game": [np.nan]})
    assert list(tables.method_table(methods)) == ["method", "verdict"]
    renamed = tables.named_columns(pd.DataFrame({"x": [1], "y": [2]}), {"y": "why", "z": "zed"})
    assert renamed.to_dict("list") == {"why": [2]}


def test_a_cost_that_was_not_measured_is_not_zero(tmp_path: Path) -> None:
    rows = cost(make_run(tmp_path))
    assert (rows["hardware"], rows["training took"]) == ("Linux, no GPU", "3 minutes")
    assert rows["testing took"] == rows["energy"] == "not measured"
    measured = make_run(
        tmp_path, cost={"energy_kwh": 0.01234, "energy_words": "0.01 kWh, of the GPU"}
    )
    assert cost(measured)["energy"] == "0.0123 kWh; of the GPU"
    assert cost(measured)["hardware"] == "not recorded"


@pytest.mark.parametrize(
    ("changes", "uri"),
    [
        ({}, "runs:/bdd1569f/model"),
        ({"model_uri": "models:/idc/3"}, "models:/idc/3"),
        ({"kind": "evaluate"}, ""),
        ({"run_id": ""}, ""),
        ({"config": config(tracking={"log_model": False})}, ""),
    ],
)
def test_a_model_has_an_address_only_if_it_was_logged(
    changes: dict[str, object], uri: str, tmp_path: Path
) -> None:
    assert model_uri(make_run(tmp_path, **changes)) == uri


def test_provenance_leaves_out_what_is_unknown(tmp_path: Path) -> None:
    items = provenance(make_run(tmp_path)).set_index("item")["value"]
    assert items["code (git commit)"] == "0123abcd"
    assert items["torch"] == "2.15.0"
    assert "date" not in items
    dated = provenance(replace(make_run(tmp_path), date="2026-01-02"))
    assert "2026-01-02" in dated["value"].tolist()
