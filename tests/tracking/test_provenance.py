"""Where a run comes from: code, libraries, machine and command."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import idc
from idc.tracking.privacy import Pseudonyms
from idc.tracking.provenance import flatten, git_tags, library_versions, origin_tags

NAMES = st.text("abc", min_size=1, max_size=3)
TREES = st.recursive(
    st.integers() | st.lists(st.integers()),
    lambda node: st.dictionaries(NAMES, node, min_size=1, max_size=3),
)


def test_the_command_names_pseudonyms_and_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Pseudonyms("a secret of some length")
    arguments = ["/somewhere/idc/train.py", "split.test_patients=[9001]", "seed=1"]
    monkeypatch.setattr(sys, "argv", arguments)
    tags = origin_tags("idc.train", names)
    assert tags["idc.command"].split()[0] == "train.py"
    assert "seed=1" in tags["idc.command"]
    assert names.of("9001") in tags["idc.command"]
    assert "9001" not in tags["idc.command"].replace(names.of("9001"), "")
    assert tags["idc.version"] == idc.__version__
    assert tags["host.python"] == platform.python_version()
    assert tags["mlflow.source.name"] == "python -m idc.train"
    assert tags.items() >= {f"version.{k}": v for k, v in library_versions().items()}.items()


def test_libraries_that_are_not_installed_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idc.tracking.provenance.LIBRARIES", ("torch", "no-such-library"))
    assert set(library_versions()) == {"torch"}


def test_an_installed_package_has_no_commit(tmp_path: Path) -> None:
    """Nor has one in a virtual environment within somebody else's repository."""
    assert git_tags(tmp_path) == {}
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert git_tags(tmp_path) == {}


@given(st.dictionaries(NAMES, TREES, max_size=3))
def test_flat_names_lead_back_to_their_values(tree: dict[str, object]) -> None:
    for name, value in flatten(tree).items():
        node: object = tree
        for key in name.split("."):
            assert isinstance(node, dict)
            node = node[key]
        assert node == value
        assert not isinstance(value, dict)
