"""A folder that cannot be written is named before Hydra tries to."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Cli
from idc.launch.disk import problem_with_folders

APPS = ("train", "evaluate", "compare", "explain", "prepare", "review", "signoff", "sync")


def test_a_root_that_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "root"
    path.touch()
    assert f"{path} is a file" in str(problem_with_folders([], {"IDC_ROOT": str(path)}))
    below = problem_with_folders([f"paths.root={path}/below"], {})
    assert f"{path} is a file" in str(below)
    assert problem_with_folders(["--help"], {"IDC_ROOT": str(path)}) is None


def test_a_root_that_is_fine_stays_empty(tmp_path: Path) -> None:
    assert problem_with_folders([], {"IDC_ROOT": str(tmp_path / "new")}) is None
    run = f"hydra.run.dir={tmp_path}/${{now:%Y}}/x"
    assert problem_with_folders([run], {"IDC_ROOT": str(tmp_path)}) is None
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk(tmp_path: Path) -> None:
    code = (
        "import resource, sys\n"
        "from idc.launch.disk import problem_with_folders\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "print(problem_with_folders([], {'IDC_ROOT': sys.argv[1]}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert f"IDC_ROOT={tmp_path}: cannot write there (File too large)" in done.stdout


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_read_only_root(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "Permission denied" in str(problem_with_folders([], {"IDC_ROOT": str(tmp_path)}))


@pytest.mark.parametrize("name", APPS)
def test_every_app_says_so_in_one_line(
    app: Callable[[str], Cli], tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").touch()
    result = app(name)(f"paths.root={tmp_path / 'file'}")
    assert result.code == 1
    (line,) = result.err.splitlines()
    assert line.startswith("error: paths.root=")


@pytest.mark.parametrize("name", [n for n in APPS if n != "sync"])
def test_every_app_names_a_database_that_is_none(
    app: Callable[[str], Cli], tmp_path: Path, name: str
) -> None:
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / "mlflow.db").write_bytes(b"hello" * 1000)
    run = [] if name in ("train", "prepare") else ["run=a1"]
    arguments = ["runs=[a1]"] if name == "compare" else run
    result = app(name)(*arguments)
    assert result.code == 1
    errors = [line for line in result.err.splitlines() if "error:" in line]
    assert len(errors) == 1
    assert "mlflow.db: it is not a database" in errors[0]
    assert "Traceback" not in result.err
