"""The page of a sweep: the best setting, significance, and warnings."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_cases import EVIL, make_sweep, save_png

from idc.reports.run_input import SweepReport
from idc.reports.sweep_facts import (
    sweep_sentences,
)
from idc.reports.sweep_page import write_sweep_page


def lead(report: SweepReport) -> str:
    return sweep_sentences(report).text("lead")


def sweep_warnings(report: SweepReport) -> list[str]:
    return sweep_sentences(report).list("warnings")


def words(report: SweepReport, folder: Path) -> str:
    raw = write_sweep_page(report, folder / "comparison" / "report.html").read_text("utf-8")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", raw.partition("<body>")[2]))


def test_the_lead_answers_what_was_asked(tmp_path: Path) -> None:
    report = make_sweep(tmp_path)
    assert lead(report) == (
        "Highest of 3 settings: a, with F1 of 0.910 (0.870 to 0.930), of 5 runs. It differs "
        "significantly from 1 of 2 others, on 51 patients, but not from b. The best baseline "
        "without a network, colour statistics, has 0.700."
    )
    assert sweep_warnings(report) == []
    assert lead(report) in words(report, tmp_path)


@pytest.mark.parametrize(
    ("p", "sentence"),
    [
        ([0.001] * 4, "It differs significantly from all 2 others, on 51 patients."),
        ([0.4] * 4, "It does not differ significantly from b and c, on 51 patients."),
        ([float("nan")] * 4, "Two patients are too few to tell anything apart."),
    ],
)
def test_what_can_be_told_apart(tmp_path: Path, p: list[float], sentence: str) -> None:
    report = make_sweep(tmp_path)
    refused = ("Two patients are too few to tell anything apart.",)
    differences = report.differences.assign(p_holm=p, apart=np.less(p, 0.05))
    report = replace(report, differences=differences, sentences=refused)
    assert sentence in lead(report)
    assert refused[0] in words(report, tmp_path)


def test_a_leaky_setting_is_never_the_best(tmp_path: Path) -> None:
    report = make_sweep(tmp_path)
    board = report.leaderboard.assign(leaky=[True, False, False, False])
    report = replace(report, leaderboard=board)
    sentence = lead(report)
    assert sentence.startswith("Best of 2 settings without a leak: b, with F1 of 0.900")
    assert "It differs significantly from the other, on 51 patients." in sentence
    assert "The results of a are too optimistic" in sweep_warnings(report)[0]
    page = words(report, tmp_path)
    assert page.index("The results of a are too optimistic") < page.index(sentence[:30])
    assert re.search(r" a \(leaky\) 5 0\.910 \(0\.87 to 0\.93\) 0\.970 leaky ", page)


def test_failures_and_too_few_patients_are_warned_of(tmp_path: Path) -> None:
    report = make_sweep(tmp_path, failed=(("vgg", "CUDA out of memory"),))
    report = replace(report, differences=report.differences.assign(patients=3))
    page = words(report, tmp_path)
    assert "1 run did not finish; not counted: vgg." in page
    assert "vgg CUDA out of memory" in page
    assert "Only 3 patients to test on" in page
    assert "on 3 patients" in lead(report)


def test_pooled_values_are_on_the_page(tmp_path: Path) -> None:
    rows = [
        *[("b", "seed=1", "test/f1", 0.9, 0.8, 0.95), ("b", "seed=1", "auroc", 0.97, 0.9, 0.99)],
        *[("a", "seed=2", "test/f1", 0.8, float("nan"), float("nan"))],
        *[("b", "seed=1", "precision", 0.7, 0.6, 0.75)],
    ]
    names = ["setting", "repeat", "metric", "value", "low", "high"]
    report = make_sweep(tmp_path, pooled=pd.DataFrame(rows, columns=names))
    page = words(report, tmp_path)
    assert "0.900 (0.80 to 0.95)" in page
    assert "b seed=1 precision 0.700 0.600 to 0.750" in page  # not in the leaderboard


def test_folds_are_spoken_of_only_where_there_are_some(tmp_path: Path) -> None:
    names = ["setting", "repeat", "metric", "value", "low", "high"]
    pooled = pd.DataFrame([("a", "", "f1", 0.9, 0.8, 0.95)], columns=names)
    save_png(tmp_path / "leaderboard.png")
    report = make_sweep(tmp_path, pooled=pooled)
    assert "fold" not in words(report, tmp_path).lower()
    folds = pd.DataFrame({"setting": "a", "repeat": "", "fold": ["0", "1"], "f1": 0.9})
    page = words(replace(report, fold_table=folds), tmp_path)
    assert page.count("pooled over folds") == 2  # the table and the figure
    assert "All folds pooled" in page


def test_figures_are_shown_with_their_texts(tmp_path: Path) -> None:
    for name in ("leaderboard", "critical_difference_f1", "differences_test_auroc", "odd", "roc"):
        save_png(tmp_path / f"{name}.png")
    path = write_sweep_page(make_sweep(tmp_path), tmp_path / "report.html")
    page = path.read_text("utf-8")
    assert page.count("<img") == 5
    assert 'alt="Differences between settings with their intervals: AUROC"' in page
    assert page.index("More figures") < page.index('alt="odd"')


def test_a_sweep_in_which_nothing_finished(tmp_path: Path) -> None:
    empty = SweepReport("s", "", pd.DataFrame(), tmp_path, failed=(("a", "broke"),))
    page = words(empty, tmp_path)
    assert "No run has finished with a result" in page
    assert "a broke" in page


def test_names_never_become_markup(tmp_path: Path) -> None:
    report = make_sweep(tmp_path)
    board = report.leaderboard.assign(setting=[EVIL, "b", "c", "d"])
    report = replace(report, name=EVIL, leaderboard=board, failed=((EVIL, EVIL),), command=EVIL)
    assert "<script" not in write_sweep_page(report, tmp_path / "r.html").read_text("utf-8")
