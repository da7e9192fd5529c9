"""The numbers behind the figures of a data set."""

import numpy as np
import pytest
from eda_cases import flag, make

from idc.reports.eda_tables import (
    colour_stats,
    dark_to_light,
    drift,
    has_split,
    kept,
    patient_counts,
    patient_table,
    set_counts,
    tissue,
)


def test_counts_by_hand() -> None:
    data = flag(make(), [0], "near_white", drop=True)
    counts = set_counts(data.index, data.class_names)
    assert counts.loc["all patches"].tolist() == [24, 24]
    assert counts.loc["kept"].tolist() == [23, 24]
    assert counts.loc["train"].tolist() == [11, 12]
    row = patient_table(data.index, data.class_names).set_index("patient").loc["p0"]
    assert (row["all patches"], row["no IDC"], row["dropped"], row["split"]) == (
        12,
        5,
        1,
        "train",
    )
    assert row["% IDC"] == pytest.approx(54.5)


def test_colour_by_hand() -> None:
    data = make(patients=3)
    white = data.index.assign(white=[0.9] + [0.0] * (len(data.index) - 1))
    stats = colour_stats(white)
    first = stats.set_index(["patient", "label"]).loc[("p0", 0)]
    assert first["patches"] == 5  # the one that is mostly glass is left out
    assert first["mean_g"] == pytest.approx(data.index["mean_g"][1:6].mean())
    assert first["spread_g"] == pytest.approx(data.index["mean_g"][1:6].std())
    green = drift(stats).set_index("channel").loc["green"]
    assert green["between classes"] == pytest.approx(50, abs=2)  # as `make` draws them
    assert green["between patients"] == pytest.approx(40, abs=2)  # of 150, 190, 230


def test_patches_that_are_dropped_are_in_no_count() -> None:
    data = flag(make(patients=2), [0, 1, 2, 3, 4, 5], "near_white", drop=True)
    assert len(kept(data.index)) == 18
    counts = patient_counts(data.index, data.class_names)
    assert counts.to_numpy().tolist() == [[0, 6], [6, 6]]
    assert has_split(data.index)
    assert not has_split(data.index.assign(split=""))
    assert "kept" not in set_counts(make().index, data.class_names).index
    assert "split" not in patient_table(data.index.assign(split=""), data.class_names)


def test_glass_is_no_tissue_and_dark_patients_come_first() -> None:
    data = make(patients=3)  # of 150, 190 and 230
    glass = data.index.assign(white=np.where(data.index["patient"] == "p0", 0.9, 0.1))
    assert set(tissue(glass)["patient"]) == {"p1", "p2"}
    assert tissue(glass[glass["patient"] == "p0"]).empty
    grey = tissue(data.index.assign(mean_r=99.0, mean_g=99.0, mean_b=99.0))
    assert np.abs(grey[["lab_a", "lab_b"]].to_numpy()).max() < 0.1
    assert dark_to_light(colour_stats(data.index)) == ["p0", "p1", "p2"]
