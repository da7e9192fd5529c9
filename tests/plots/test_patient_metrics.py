"""The figures of patients show every number given, for few and for many patients."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from idc.plots.patient_metrics import burden_figure, per_patient_figure

Words = Callable[[Figure], str]


def table(patients: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "patient": [f"patient {i}" for i in range(patients)],
            "patches": 100,
            "tp": rng.integers(1, 20, patients),
            "fn": rng.integers(1, 20, patients),
            "recall": np.sort(rng.random(patients)),
            "specificity": rng.random(patients),
            "f1": rng.random(patients),
            "fraction_true": rng.random(patients),
            "fraction_predicted": rng.random(patients),
        }
    )


def marks(figure: Figure, label: str) -> tuple[np.ndarray, np.ndarray]:
    line = next(x for x in figure.axes[0].lines if x.get_label() == label)
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


@pytest.mark.parametrize("patients", [1, 2, 17])
def test_each_patient_has_its_metrics_and_its_share(patients: int, words: Words) -> None:
    given = table(patients)
    figure = per_patient_figure(given)
    text = words(figure)
    for row in given.to_dict("records"):
        assert f"{row['patient']}  ({row['tp'] + row['fn']} of 100)" in text
    for label, column in (("recall", "recall"), ("specificity", "specificity"), ("F1", "f1")):
        assert marks(figure, label)[0].tolist() == given[column].tolist()
    low, high = figure.axes[0].get_ylim()
    assert low > high  # the first, which is the worst, stands at the top
    bars = [bar.get_width() for bar in figure.axes[1].patches]
    assert bars == [*given["fraction_true"], *given["fraction_predicted"]]
    assert f"{patients} patient{'' if patients == 1 else 's'}, worst recall first" in text


def test_of_many_patients_the_worst_are_drawn_and_counted(words: Words) -> None:
    given = table(279)
    figure = per_patient_figure(given)
    text = words(figure)
    assert "the worst 40 of 279 patients" in text
    assert "patient 39 " in text
    assert "patient 40 " not in text
    assert figure.get_size_inches()[1] < 14


def test_undefined_metrics_have_no_mark() -> None:
    given = table(3)
    given.loc[1, ["recall", "f1"]] = np.nan
    given.loc[2, ["recall", "specificity", "f1"]] = np.nan
    figure = per_patient_figure(given)
    figure.draw_without_rendering()
    assert np.isfinite(marks(figure, "recall")[0]).tolist() == [True, False, False]
    assert np.isfinite(marks(figure, "specificity")[0]).tolist() == [True, True, False]


def test_more_classes_have_macro_metrics_and_no_share(words: Words) -> None:
    given = table(4)[["patient", "patches", "recall", "f1"]].assign(accuracy=0.5)
    figure = per_patient_figure(given)
    assert len(figure.axes) == 1
    assert "macro recall" in words(figure)
    assert "patient 0  (100)" in words(figure)


def test_names_are_drawn_as_they_stand(words: Words) -> None:
    given = table(2).assign(patient=["$\\alpha$ $x", "a_very_long_name_" * 5])
    text = words(per_patient_figure(given))
    assert r"\$\alpha\$ \$x" in text
    assert "a_very_lon…" in text
    assert r"Share of \$IDC patches" in words(burden_figure(given, {}, "$IDC"))


def test_the_burden_is_drawn_against_the_labels_and_as_an_error(words: Words) -> None:
    given = table(17)
    summary = {
        "burden_bias": 0.0123,
        "burden_limit_low": -0.25,
        "burden_limit_high": 0.375,
        "burden_concordance": 0.8765,
    }
    figure = burden_figure(given, summary, "IDC")
    text = words(figure)
    true, called = given["fraction_true"], given["fraction_predicted"]
    left, right = figure.axes
    dots = [line for axes in (left, right) for line in axes.lines if line.get_label() == "patient"]
    assert np.array_equal(dots[0].get_xydata(), np.stack([true, called], 1))
    assert np.allclose(dots[1].get_xydata(), np.stack([(true + called) / 2, called - true], 1))
    assert "mean error +0.012" in text
    assert "limits of agreement -0.250, +0.375" in text
    assert "concordance (Lin) 0.876" in text
    assert "labelled IDC" in text
    levels = {
        float(np.unique(line.get_ydata())[0]) for line in right.lines if len(line.get_xdata()) == 2
    }
    assert levels == {0, 0.0123, -0.25, 0.375}
    low, high = right.get_ylim()
    assert low < (called - true).min()
    assert high > (called - true).max()


@pytest.mark.parametrize("patients", [0, 1, 2])
def test_few_patients_are_drawn_without_limits(patients: int, words: Words) -> None:
    summary = {"burden_bias": 0.1} if patients else {}
    text = words(burden_figure(table(patients), summary))
    assert "limits" not in text
    assert ("no patients" in text) == (patients == 0)
    assert ("no patients" in words(per_patient_figure(table(patients)))) == (patients == 0)
