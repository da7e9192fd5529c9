"""What the sentences about a run rest on."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
from run_cases import config, make_run

from idc.reports.run_facts import marked_slices, run_sentences
from idc.reports.run_input import RunReport


def lead(report: RunReport) -> list[float]:
    """The numbers of the lead."""
    return numbers(run_sentences(report).text("lead"))


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]


def warnings(report: RunReport) -> list[str]:
    return run_sentences(report).list("warnings")


def test_the_lead_speaks_of_a_hundred_patches_and_of_the_test(tmp_path: Path) -> None:
    """Recall 0.96 (0.851 to 0.98), specificity 0.88 (0.8 to 0.93), 144 patches of 12 patients."""
    recall, false_alarms, tested = [100, 96, 95, 85, 98], [100, 12, 95, 7, 20], [144, 12]
    assert lead(make_run(tmp_path)) == [*recall, *false_alarms, *tested]
    assert lead(make_run(tmp_path, metrics={})) == tested


def test_the_lead_of_many_classes_is_of_their_mean_and_of_all_patches(tmp_path: Path) -> None:
    report = make_run(tmp_path, classes=3)
    assert {96, 3, 90, 144, 12} <= set(lead(report))
    assert "IDC" not in run_sentences(report).text("lead")


def test_a_target_that_was_reached_is_not_missed(tmp_path: Path) -> None:
    reached = make_run(tmp_path, metrics={"test/recall": 0.95})
    assert warnings(reached) == []
    no_target = replace(reached, config=config(threshold={"rule": "max_f1", "target": 0.95}))
    assert warnings(replace(no_target, metrics={"test/recall": 0.5})) == []
    unknown = replace(reached, config=config(threshold={"rule": "of tomorrow"}))
    assert warnings(unknown) == []


def test_selective_prediction_has_a_sentence_per_defined_metric(tmp_path: Path) -> None:
    metrics = {
        "test/coverage_at_error_0.05": 0.8,
        "test/risk_at_coverage_0.8": 0.04,
        "test/coverage_at_recall_0.99": float("nan"),
        "test/coverage_at_something_0.5": 1.0,
    }
    sentences = run_sentences(make_run(tmp_path, metrics=metrics)).list("selective_prediction")
    assert [numbers(sentence) for sentence in sentences] == [
        [80, 100, 5, 100],
        [80, 100, 4, 100],
    ]


def test_slices_are_marked_by_what_was_tested(tmp_path: Path) -> None:
    report = make_run(tmp_path)
    assert marked_slices(report) == {"worse": ["darkness: dark"]}
    both = replace(report, slices=report.slices.assign(misses_more=[True, False]))
    assert marked_slices(both)["misses_more"] == ["finding: near white"]
    assert marked_slices(replace(report, slices=pd.DataFrame())) == {}
