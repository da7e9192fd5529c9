"""`python -m idc.prepare` through its real command line."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from conftest import BREAKS, IDC_TINY, PATIENCE, Cli
from idc.data.sources.synthetic import kaggle_path

pytestmark = pytest.mark.slow
Folder = Callable[..., Path]
FIVE = {f"900{i}": (12, 8) for i in range(5)}
QUIET = ("report=false",)


def artifacts(result: object, run_id: str, under: str = "") -> set[str]:
    return {a.path for a in result.client.list_artifacts(run_id, under)}


def test_it_checks_packs_shows_and_logs(prepare: Cli, kaggle: Folder) -> None:
    root = kaggle(FIVE)
    path = root / kaggle_path("9002", 1, 1, 0)
    path.write_bytes(b"")
    one = root / kaggle_path("9003", 1, 1, 0)
    one.rename(one.with_name("holiday.png"))
    result = prepare("data=idc", f"data.root={root}", drawn=True)
    assert result.code == 0, result.err
    assert "unreadable" in result.out
    assert "bad_name" in result.out
    (run,) = result.runs("tags.`idc.kind` = 'prepare'")
    assert run.info.status == "FINISHED"
    metrics = result.metrics(run)
    assert metrics["data/patches"] == metrics["data/files_read"] == 100
    assert metrics["audit/unreadable"] == metrics["audit/bad_name"] == 1
    assert metrics["data/dropped"] == 2
    assert run.data.params["audit"] == "keep"
    note = run.data.tags["mlflow.note.content"]
    assert note.startswith("100 patches of ")
    assert "| unreadable | 1 |" in note
    assert artifacts(result, run.info.run_id) >= {"index.parquet", "audit.csv", "report"}
    report = artifacts(result, run.info.run_id, "report")
    assert "report/report.html" in report
    (folder,) = result.folders
    page = (folder / "report" / "report.html").read_text()
    assert "9002" in page
    assert "277,524" in page  # what is published of the whole set
    words = re.sub(r"data:[^\"']+", "", page).replace("http://www.w3.org", "")
    assert "http" not in words  # nothing is fetched
    index = pd.read_parquet(folder / "index.parquet")
    assert (index["decision"] == "drop").sum() == (index["split"] == "").sum() == 2
    audit = pd.read_csv(folder / "audit.csv").set_index("finding")
    assert audit.loc["unreadable", "dropped"] == 1


def test_again_reads_nothing_then_only_what_changed(prepare: Cli, kaggle: Folder) -> None:
    root = kaggle(FIVE)
    arguments = ("data=idc", f"data.root={root}", *QUIET, "tracking=none", "store.workers=1")
    assert "100 files read" in prepare(*arguments).out
    assert "; 0 files read" in prepare(*arguments, "verify=true").out
    path = root / kaggle_path("9002", 1, 1, 0)
    cv2.imwrite(str(path), np.full((50, 50, 3), 99, np.uint8))
    assert "; 1 files read" in prepare(*arguments).out


def test_training_takes_what_was_prepared(prepare: Cli, cli: Cli, kaggle: Folder) -> None:
    """It needs no file of the set any more, and says the same as without a store."""
    root = kaggle(FIVE)
    assert prepare("data=idc", f"data.root={root}", *QUIET).code == 0
    arguments = (*IDC_TINY, f"data.root={root}", "tracking=none")
    plain = cli(*arguments, "store.use=false")
    assert plain.code == 0, plain.err
    for path in root.rglob("*.png"):  # written over, which no folder's time tells
        path.write_bytes(b"")
    stored = cli(*arguments)
    assert stored.code == 0, stored.err
    head = plain.out.index("metric"), plain.out.index("note")
    assert plain.out[slice(*head)] == stored.out[slice(*head)]


def test_training_packs_on_first_use_and_leaves_out_what_is_dropped(
    cli: Cli, kaggle: Folder
) -> None:
    root = kaggle(FIVE)
    BREAKS["truncated"](root / kaggle_path("9002", 1, 1, 0))
    arguments = (*IDC_TINY, f"data.root={root}", "audit=keep")
    first, second = cli(*arguments), cli(*arguments)
    assert first.code == second.code == 0, first.err + second.err
    assert len(list((first.root / "stores").iterdir())) == 1
    two, one = first.runs()
    assert one.data.tags["data.fingerprint"] == two.data.tags["data.fingerprint"]
    split = pd.read_parquet(first.folders[0] / "split.parquet")
    assert len(split) == 99
    assert set(split["split"]) == {"train", "val", "test"}


def test_a_mistyped_patient_or_folder_leaves_no_run(prepare: Cli, kaggle: Folder) -> None:
    root = kaggle(FIVE)
    for typo in ("split.test_patients=[nobody]", f"data.root={root}x"):
        result = prepare("data=idc", f"data.root={root}", *QUIET, typo)
        assert result.code == 1
        assert result.err.count("error: ") == 1
        assert result.err.count(typo.partition("=")[2].strip("[]")) == 1
    assert result.runs() == []


def test_what_is_to_fail_fails_after_it_was_shown(prepare: Cli, kaggle: Folder) -> None:
    root = kaggle(FIVE)
    path = root / kaggle_path("9002", 1, 1, 0)
    path.rename(root / "9002" / "1" / path.name)
    result = prepare("data=idc", f"data.root={root}", "audit=strict", *QUIET)
    assert result.code == 1
    assert "error: the audit of" in result.err
    assert path.name in result.err
    (run,) = result.runs()
    assert run.info.status == "FAILED"
    assert "index.parquet" in artifacts(result, run.info.run_id)
    kept = prepare("data=idc", f"data.root={root}", *QUIET)
    assert kept.code == 0
    assert "label_mismatch" in kept.out


def test_too_few_patients_for_a_split_are_shown_all_the_same(prepare: Cli, kaggle: Folder) -> None:
    result = prepare("data=idc", f"data.root={kaggle({'9001': (6, 6)})}", "tracking=none")
    assert result.code == 0, result.err
    assert "No split can be made" in result.out
    assert (result.folders[0] / "report" / "report.html").is_file()


def test_what_is_no_patch_is_counted_and_shown_without_patients_names(
    prepare: Cli, kaggle: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = kaggle(FIVE)
    (root / "Jane Roe").mkdir()
    shutil.copy(root / kaggle_path("9001", 1, 1, 0), root / "Jane Roe" / "a.jpg")
    (root / ".DS_Store").write_bytes(b"x")
    arguments = ("data=idc", f"data.root={root}")
    result = prepare(*arguments, *QUIET)
    assert result.code == 0, result.err
    (run,) = result.runs()
    assert result.metrics(run)["audit/not_read"] == 1
    assert run.data.metrics["data/ignored_files"] == 1
    assert "Jane Roe/a.jpg" in (result.folders[0] / "console.log").read_text()
    monkeypatch.setenv("IDC_PSEUDONYM_KEY", "0123456789abcdef-secret")
    hidden = prepare(*arguments, "tracking.pseudonymise=true", "audit=strict")
    assert hidden.code == 1
    assert "not_read: 1" in hidden.err
    (newest, _) = hidden.runs()
    assert newest.info.status == "FAILED"
    texts = [p for p in hidden.folders[-1].rglob("*.[hct]*") if p.is_file()]
    assert {"report.html", "audit.csv", "traceback.txt"} <= {path.name for path in texts}
    for path in texts:
        assert "Jane" not in path.read_text("utf-8", "replace"), path


def test_a_drawn_set_is_shown_too(prepare: Cli) -> None:
    result = prepare("data.patients=4", "data.patches_per_patient=12", "tracking=none")
    assert result.code == 0, result.err
    assert "48 patches" in result.out
    assert not (result.root / "stores").exists()


def test_wrong_values_are_refused_by_name(prepare: Cli, kaggle: Folder) -> None:
    for override, says in {
        "audit.ink=perhaps": "audit.ink=perhaps: give keep or drop or fail",
        "audit.limits.white=7": "audit.limits.white=7",
        "store.workers=0": "store.workers=0",
        "data.edge=cut": "data.edge=cut",
        "data.max_pixels=0": "data.max_pixels=0",
        "audit.limits.sliver=2": "audit.limits.sliver=2",
    }.items():
        result = prepare("data=idc", f"data.root={kaggle(FIVE)}", override, "tracking=none")
        assert result.code == 1
        assert f"error: {says}" in result.err
    result = prepare("data=idc", "data.root=/nowhere", "tracking=none")
    assert "error: data.root: there is no folder /nowhere" in result.err


def test_the_shell_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "idc.prepare", "--cfg", "job"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=PATIENCE,
        check=True,
    )
    assert "unreadable: drop" in done.stdout
