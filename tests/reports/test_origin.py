"""Where a run comes from, and what it cost."""

from dataclasses import replace
from pathlib import Path

import pytest
from run_cases import config, make_run

from idc.reports.origin import cost, model_uri, provenance


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
