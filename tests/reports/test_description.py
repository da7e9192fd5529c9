"""A run's description in MLflow: the result first, then warnings, six metrics and links."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
from run_cases import EVIL, make_run, make_sweep, save_png

from idc.reports.description import (
    Place,
    comparison_description,
    preparation_description,
    run_description,
    with_section,
)
from idc.reports.markdown import escape
from idc.reports.run_facts import run_sentences


def test_the_result_comes_first_and_the_metrics_have_intervals(tmp_path: Path) -> None:
    report = make_run(tmp_path)
    text = run_description(report)
    assert text.startswith(f"{run_sentences(report).text('lead')}\n")
    assert re.findall(r"^\| (.*) \| (.*) \| (.*) \|$", text, re.M)[2:] == [
        ("recall (sensitivity)", "0.960", "0.851 to 0.980"),
        ("specificity", "0.880", "0.800 to 0.930"),
        ("F1", "0.870", "-"),
        ("AUROC", "0.950", "0.910 to 0.970"),
    ]
    assert "Warning" not in text
    assert not text.startswith("---")  # front matter would be shown as text


def test_warnings_are_a_list_of_their_own(tmp_path: Path) -> None:
    report = make_run(tmp_path, patients=2, leaky=True)
    lines = run_description(report).splitlines()
    warned = [line for line in lines if line.startswith("- Warning: ")]
    assert len(warned) == len(run_sentences(report).list("warnings")) == 2
    assert lines[lines.index(warned[0]) - 1] == ""
    assert lines[lines.index("| test metric | value | interval |") - 1] == ""


def test_the_files_of_the_run_are_linked(tmp_path: Path) -> None:
    save_png(tmp_path / "explain" / "FN.png")
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation" / "report.html").write_text("")
    report = make_run(tmp_path)
    assert re.findall(r"\[(.*?)\]\((.*?)\)", run_description(report, "7")) == [
        ("report", "#/experiments/7/runs/bdd1569f/artifacts/evaluation/report.html"),
        ("attribution maps", "#/experiments/7/runs/bdd1569f/artifacts/explain"),
    ]
    assert run_description(report).endswith("\nreport, attribution maps.")


def test_names_stay_names(tmp_path: Path) -> None:
    evil = f"{EVIL}\n# no heading\n[a](javascript:b)"
    report = make_run(tmp_path)
    report = replace(report, class_names=(evil, evil), leaks=(evil,))
    text = run_description(report)
    assert "<" not in text.replace(r"\<", "")
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "\n#" not in text


def test_a_run_without_metrics_is_described(tmp_path: Path) -> None:
    text = run_description(make_run(tmp_path, metrics={}))
    assert text.startswith("Recall and specificity are undefined.")
    assert "|" not in text


def test_a_sweep_names_its_best_setting_and_links_its_runs(tmp_path: Path) -> None:
    report = make_sweep(
        tmp_path, runs=[("a,seed=1", "r1", "FINISHED"), ("b", "r2", "FAILED")], sentences=["a < b"]
    )
    text = comparison_description(report, Place("own", "7"))
    assert not text.startswith("*")
    assert len(_rows(text)) == 2 + len(report.leaderboard)
    for name, run_id, _ in report.runs:
        assert f"[{escape(name)}](#/experiments/7/runs/{run_id})" in text
    assert all(f"- {escape(one)}" in text for one in report.sentences)
    assert "](" not in comparison_description(report, Place())


def test_a_preparation_counts_what_there_is(tmp_path: Path) -> None:
    counts = {
        "data/patches": 1200.0,
        "data/patients": 3.0,
        "data/class_0": 900,
        "data/class_1": 300,
    }
    findings = pd.DataFrame(
        {
            "finding": ["ink", "glass"],
            "patches": [4, 0],
            "patients": [1, 0],
            "dropped": [4, 0],
            "action": ["drop", "keep"],
        }
    )
    (tmp_path / "audit.csv").touch()
    place = Place("own", "7")
    text = preparation_description(
        counts, ("no IDC", "IDC"), findings, ["Patients are unknown."], tmp_path, place
    )
    assert text.startswith("1,200 patches of 3 patients: 900 no IDC, 300 IDC.\n")
    assert _rows(text)[2:] == ["| ink | 4 | 1 | 4 |"]
    assert "- Warning: Patients are unknown." in text
    assert text.endswith("(#/experiments/7/runs/own/artifacts/audit.csv).")


def test_a_later_result_is_a_section_of_its_own_and_replaces_an_earlier_one() -> None:
    note, place = "**A result.**\n\n| a | b |", Place("own", "7")
    once = with_section(note, "Explained: errors", ["One."], "explain/errors", place)
    assert once.startswith(f"{note}\n\n### Explained: errors\n\n- One.\n")
    both = with_section(once, "Reviewed", ["Two."], "review", place)
    again = with_section(both, "Explained: errors", ["Three."], "explain/errors", place)
    assert again.count("### Explained: errors") == again.count("### Reviewed") == 1
    assert "One." not in again
    assert again.startswith(note)
    assert with_section("", "Reviewed", ["Two."], "review", place).startswith("### Reviewed")


def _rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]
