"""The figures of a data set hold its numbers, for a few patients and for hundreds."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from idc.plots.class_counts import patches_per_patient_figure, patients_figure, shares_figure
from idc.plots.patch_grids import patch_grid_figure
from idc.plots.patient_colours import colour_by_patient_figure, colour_space_figure
from idc.plots.style import literal

Words = Callable[[Figure], str]

RNG = np.random.default_rng(0)
NAMES = {1: ("only",), 2: ("no IDC", "IDC"), 3: ("a", "b", "c")}


def counts(patients: int, classes: int) -> pd.DataFrame:
    values = RNG.integers(0, 900, (patients, classes))
    index = [f"patient {i}" for i in range(patients)]
    return pd.DataFrame(values, index=index, columns=list(NAMES[classes]))


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


def test_shares_state_counts_and_per_cent(words: Words) -> None:
    table = pd.DataFrame([[3000, 1000], [0, 0]], index=["train", "val"], columns=["no IDC", "IDC"])
    written = words(shares_figure(table))
    for word in ("3,000  (75.0%)", "1,000  (25.0%)", "train\n4,000", "val\n0"):
        assert word in written


def test_patients_are_sorted_by_size_and_named(words: Words) -> None:
    table = pd.DataFrame(
        [[10, 0], [700, 500], [30, 20]], index=["few", "many", "mid"], columns=["no IDC", "IDC"]
    )
    figure = patients_figure(table)
    written = words(figure)
    lower = figure.axes[1]
    assert [t.get_text() for t in lower.get_xticklabels()] == ["many", "mid", "few"]
    assert "1,200" in written
    second = lower.containers[1]
    assert [bar.get_height() for bar in second] == pytest.approx([500 / 1200, 20 / 50, 0])


@pytest.mark.parametrize(("patients", "classes"), [(41, 1), (279, 2), (50, 3)])
def test_many_patients_are_a_skyline(patients: int, classes: int, words: Words) -> None:
    table = counts(patients, classes)
    figure = patients_figure(table)
    written = words(figure)
    assert f"{patients:,} patients" in written
    assert "patient 7" not in written
    upper, lower = figure.axes
    tops = [bar.get_y() + bar.get_height() for bar in upper.containers[-1]]
    assert tops == sorted(table.sum(axis=1), reverse=True)
    last = [bar.get_height() for bar in lower.containers[-1]]
    assert last == sorted(last)
    assert figure.get_size_inches()[1] < 8


@pytest.mark.parametrize(("patients", "classes"), [(1, 1), (40, 2)])
def test_a_few_patients_have_room(patients: int, classes: int) -> None:
    figure = patients_figure(counts(patients, classes))
    figure.draw_without_rendering()
    boxes = [t.get_window_extent() for t in figure.axes[1].get_xticklabels()]
    assert len(boxes) == patients
    for one, other in pairwise(boxes):
        assert not one.overlaps(other)


@pytest.mark.parametrize("totals", [[5], [3, 3, 3], [1, 10, 100, 1200]])
def test_histogram_holds_every_patient(totals: list[int], words: Words) -> None:
    figure = patches_per_patient_figure(np.array(totals))
    written = words(figure)
    (axes,) = figure.axes
    assert sum(p.get_height() for p in axes.patches) == len(totals)
    assert f"largest {max(totals):,}" in written
    assert f"median {np.median(totals):,.0f}" in written
    figure.draw_without_rendering()
    low, high = axes.get_xlim()
    within = [t for t in axes.get_xticklabels() if low <= t.get_position()[0] <= high]
    labels = [t.get_text() for t in within]
    assert len(set(labels)) == len(labels)


def test_no_patient_is_marked(words: Words) -> None:
    no_patients = pd.DataFrame(columns=list(NAMES[2]), dtype=int)
    assert "no patients" in words(patients_figure(no_patients))
    assert "no patients" in words(patches_per_patient_figure(np.array([], int)))


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


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 7])
def test_a_grid_shows_patches_unsmoothed_with_captions(count: int, words: Words) -> None:
    patches = RNG.integers(0, 256, (count, 20, 20, 3), dtype=np.uint8)
    captions = [f"8863\nx {i}" for i in range(count)]
    figure = patch_grid_figure(patches, captions, "IDC")
    written = words(figure).split("\n")
    assert all(f"x {i}" in written for i in range(count))
    drawn = [a.images[0] for a in figure.axes if a.images]
    assert [np.array_equal(i.get_array(), p) for i, p in zip(drawn, patches, strict=True)]
    assert {i.get_interpolation() for i in drawn} == {"nearest"}


@pytest.mark.parametrize("name", ["a$b$c", r"\$x$", "$\\frac{$", "$", r"a\b_{2}^3"])
def test_names_with_dollar_signs_are_no_formulas(name: str) -> None:
    figure = patch_grid_figure(np.zeros((1, 4, 4, 3), np.uint8), [literal(name)], literal(name))
    figure.draw_without_rendering()
    text = figure.axes[0].texts[0]
    shown, is_formula = text._preprocess_math(text.get_text())
    assert not is_formula
    assert shown == name


def test_names_are_one_short_line() -> None:
    assert literal("two\nlines\tand more") == "two lines and more"
    assert len(literal("x" * 500)) == 40
    assert literal("  ") == "(no name)"
