"""The built package runs outside the clone."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from conftest import PATIENCE, TINY
from idc.config.tree import conf_dir

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_holds_code_configuration_and_licence(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in conf_dir().rglob("*.yaml"):
        assert f"idc/conf/{path.relative_to(conf_dir())}" in names
    for path in (ROOT / "src").rglob("*.py"):
        assert str(path.relative_to(ROOT / "src")) in names
    assert any(name.endswith("LICENSE") for name in names)
    assert not any("tests" in name or "mlruns" in name for name in names)


@pytest.mark.slow
def test_the_unpacked_wheel_trains_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    zipfile.ZipFile(wheel).extractall(site)
    environment = {k: v for k, v in os.environ.items() if k != "IDC_ROOT"}
    done = subprocess.run(
        [sys.executable, "-m", "idc.train", *TINY, "tracking=none"],
        cwd=elsewhere,
        env={**environment, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    (config,) = elsewhere.glob("runs/*/*/config.yaml")
    assert config.is_relative_to(elsewhere / "runs")
    where = subprocess.run(
        [sys.executable, "-c", "import idc.config.tree as c; print(c.conf_dir())"],
        cwd=elsewhere,
        env={**environment, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(where.stdout.strip()) == site / "idc" / "conf"
