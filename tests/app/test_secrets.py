"""No password or token of a tracking URI is printed or kept, through the real command line."""

import os
import zipfile
from pathlib import Path

import pytest

from conftest import TINY, Cli

SECRETS = ("sekret", "abc123")
HTTP = "http://user:sekret@127.0.0.1:1/?token=abc123"
POSTGRES = "postgresql://user:sekret@127.0.0.1:1/mlflow"


@pytest.fixture(autouse=True)
def no_variables_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command puts what it hides into the environment."""
    for name in ("TRACKING_URI", "NOTE_LINK"):
        monkeypatch.setenv(f"IDC_HIDDEN_{name}", "")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


def bytes_under(folder: Path) -> dict[str, bytes]:
    """The content of every file, of the members of checkpoints too."""
    found = {}
    for path in (p for p in folder.rglob("*") if p.is_file()):
        found[str(path)] = path.read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                found |= {f"{path}:{name}": archive.read(name) for name in archive.namelist()}
    return found


def assert_clean(text: str, folder: Path) -> None:
    for secret in SECRETS:
        assert secret not in text
        kept = [name for name, content in bytes_under(folder).items() if secret.encode() in content]
        assert not kept


@pytest.mark.parametrize("uri", [HTTP, POSTGRES], ids=["http", "postgresql"])
@pytest.mark.parametrize("how", ["argument", "environment", "sweep"])
def test_a_store_that_cannot_be_reached(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, how: str, uri: str
) -> None:
    given = [f"tracking.uri='{uri}'"]
    if how == "environment":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        given = []
    elif how == "sweep":
        given = ["-m", *given, "seed=1,2"]
    result = cli(*given, *TINY)
    assert "127.0.0.1" in result.err or "psycopg" in result.err
    assert_clean(result.out + result.err, result.root)


def test_a_whole_run_with_a_secret_in_its_configuration(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "abc123")
    result = cli(*TINY, f"name='{HTTP}'", "tracking.log_model=true")
    assert result.code == 0, result.err
    assert os.environ["IDC_HIDDEN_NAME"] == HTTP
    (run,) = result.runs()
    assert run.info.run_name == "http://***@127.0.0.1:1/?token=***"
    assert "name=${oc.env:IDC_HIDDEN_NAME}" in run.data.tags["idc.command"]
    assert_clean(result.out + result.err, result.root)
