"""The figures of a data set hold its numbers, for a few patients and for hundreds."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from idc.plots.class_counts import (
    balance_figure,
    patches_per_patient_figure,
    patients_figure,
    shares_figure,
)

Words = Callable[[Figure], str]

RNG = np.random.default_rng(0)
NAMES = {1: ("only",), 2: ("no IDC", "IDC"), 3: ("a", "b", "c")}


def counts(patients: int, classes: int) -> pd.DataFrame:
    values = RNG.integers(0, 900, (patients, classes))
    index = [f"patient {i}" for i in range(patients)]
    return pd.DataFrame(values, index=index, columns=list(NAMES[classes]))


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


def test_class_balance_states_patches_share_and_patients(words: Words) -> None:
    counts = pd.DataFrame(
        {
            "split": ["train", "train", "val", "val"],
            "class": ["no IDC", "IDC"] * 2,
            "patches": [3000, 1000, 10, 0],
            "patients": [7, 6, 1, 0],
        }
    )
    written = words(balance_figure(counts))
    for word in ("3,000\n75%\n7 patients", "1,000\n25%\n6 patients", "10\n100%\n1 patient"):
        assert word in written
