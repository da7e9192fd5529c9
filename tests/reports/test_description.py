"""A run's description in MLflow: the result first, then warnings, six metrics and links."""

import re
from dataclasses import replace
from pathlib import Path

from run_cases import EVIL, make_run, save_png

from idc.reports.description import run_description
from idc.reports.run_facts import run_sentences


def test_the_result_comes_first_and_the_metrics_have_intervals(tmp_path: Path) -> None:
    report = make_run(tmp_path)
    text = run_description(report)
    assert text.startswith(f"**{run_sentences(report).text('lead')}**\n")
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
    warned = [line for line in lines if line.startswith("- **Warning:** ")]
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
    assert text.startswith("**Recall and specificity are undefined.")
    assert "|" not in text
