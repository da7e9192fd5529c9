"""Mean colours of patients, for a few and for hundreds."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from idc.plots.patient_colours import colour_by_patient_figure, colour_space_figure

Words = Callable[[Figure], str]
RNG = np.random.default_rng(0)
NAMES = {1: ("only",), 2: ("no IDC", "IDC"), 3: ("a", "b", "c")}


def stats(patients: int, classes: int) -> pd.DataFrame:
    rows = pd.MultiIndex.from_product(
        [[f"p{i}" for i in range(patients)], range(classes)], names=["patient", "label"]
    )
    table = pd.DataFrame(index=rows).reset_index()
    for key in ("mean_r", "mean_g", "mean_b"):
        table[key] = RNG.uniform(90, 230, len(table))
    for key in ("spread_r", "spread_g", "spread_b", "spread_lab_a", "spread_lab_b"):
        table[key] = RNG.uniform(1, 20, len(table))
    return table.assign(lab_a=RNG.normal(20, 5, len(table)), lab_b=RNG.normal(-9, 4, len(table)))


@pytest.mark.parametrize(("patients", "classes"), [(1, 1), (17, 3), (300, 2)])
def test_colour_of_any_number_of_patients(patients: int, classes: int, words: Words) -> None:
    table = stats(patients, classes)
    order = sorted(table["patient"].unique())
    written = words(colour_by_patient_figure(table, order, NAMES[classes]))
    for name in NAMES[classes]:
        assert f"{name}: {patients:,} patient{'' if patients == 1 else 's'}" in written
    assert ("p0" in written.split("\n")) == (patients <= 40)
    written = words(colour_space_figure(table, NAMES[classes]))
    assert ("p0" in written.split("\n")) == (patients <= 40)
    assert "a*" in written


def test_swatches_are_the_mean_colours_in_the_given_order() -> None:
    table = stats(3, 2)
    table = table[~((table["patient"] == "p1") & (table["label"] == 1))]
    figure = colour_by_patient_figure(table, ["p2", "p0", "p1"], NAMES[2])
    strips = [a.images[0].get_array() for a in figure.axes if a.images]
    of_idc = table[table["label"] == 1].set_index("patient")
    expected = of_idc.loc[["p2", "p0"], ["mean_r", "mean_g", "mean_b"]].to_numpy()
    assert np.array_equal(strips[1][0, :2], expected.astype(np.uint8))
    assert (strips[1][0, 2] == 255).all()  # a patient without this class


@pytest.mark.parametrize("patients", [3, 60])
def test_a_class_without_patches_is_marked(patients: int, words: Words) -> None:
    table = stats(patients, 1)
    order = list(table["patient"])
    assert "no patch of this class" in words(colour_by_patient_figure(table, order, NAMES[2]))
    assert "no patch of this class" in words(colour_space_figure(table, NAMES[2]))


def test_colours_are_cut_at_no_mean_and_no_spread() -> None:
    table = stats(4, 2).assign(mean_g=20.0, spread_g=15.0)
    figure = colour_by_patient_figure(table, list(table["patient"].unique()), NAMES[2])
    assert figure.axes[0].get_ylim()[0] <= 5
