"""Slices of patches by position, finding and stain."""

import numpy as np
import pandas as pd
import pytest
from slice_cases import predictions

from idc.metrics.slice_columns import slice_columns, stain_measures


def test_every_patch_is_put_into_its_slices() -> None:
    frame = predictions().set_index(np.arange(36) + 100)
    columns = slice_columns(frame)
    assert columns.index.equals(frame.index)
    assert columns.columns.tolist() == [
        "region",
        "border",
        "finding/glass",
        "finding/ink",
        "finding/none",
        "darkness",
        "stain balance",
        "saturation",
    ]
    assert (columns["region"] == "inside").sum() == 16
    assert (columns["region"] == "edge of tissue").sum() == 20
    assert (columns["border"] == "border between classes").sum() == 12
    assert (columns["finding/ink"] == "ink").sum() == 2
    assert columns["finding/glass"].notna().sum() == 1
    assert (columns["finding/none"] == "no finding").sum() == 34
    assert columns["saturation"].value_counts().tolist() == [12, 12, 12]


def test_neighbours_come_from_the_context_given() -> None:
    frame = predictions()
    test = frame[frame["x"] > 101]
    alone, seen = slice_columns(test)["region"], slice_columns(test, frame)["region"]
    assert (alone == "inside").sum() == 4
    assert (seen == "inside").sum() == 8
    as_index = frame
    assert slice_columns(test, as_index)["region"].equals(seen)


def test_thirds_are_cut_where_the_reference_is() -> None:
    train = pd.DataFrame({"patient": "a", "label": 0, "saturation": np.linspace(0, 1, 301)})
    test = pd.DataFrame({"patient": "b", "label": 0, "saturation": [0.1, 0.2, 0.5, 0.6, 0.65]})
    result = slice_columns(test, reference=train)["saturation"].tolist()
    assert result == ["pale", "pale", *["medium saturated"] * 3]
    own = slice_columns(test)["saturation"].tolist()
    assert own == ["pale", "pale", "medium saturated", "saturated", "saturated"]
    flat = test.assign(saturation=0.5)
    assert "saturation" not in slice_columns(flat)
    assert "saturation" not in slice_columns(test, reference=train.drop(columns="saturation"))


def test_the_balance_tells_the_stains_apart_at_any_strength() -> None:
    vectors = {"h": np.array([0.65, 0.70, 0.29]), "e": np.array([0.07, 0.99, 0.11])}
    colours = [240 * np.exp(-s * vectors[k]) for k in "he" for s in (0.3, 1.5)]
    frame = pd.DataFrame([*colours, [245, 245, 245]], columns=["mean_r", "mean_g", "mean_b"])
    result = stain_measures(frame)
    assert result["stain balance"][:4] == pytest.approx([0.396, 0.396, 0.060, 0.060], abs=1e-3)
    assert np.isnan(result["stain balance"][4])
    assert result["darkness"][4] == pytest.approx(10)
    assert result["darkness"][1] > result["darkness"][0]
