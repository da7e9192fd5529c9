"""The `idc` command."""

import subprocess
import sys
from pathlib import Path

import pytest

from idc import __version__
from idc.cli import main
from idc.config.schema.apps import APPS


def idc(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/idc", *arguments])
    main()


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_alone_it_lists_the_apps_in_a_line_each(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
) -> None:
    idc(monkeypatch, *arguments)
    lines = capsys.readouterr().out.splitlines()
    listed = [line.split()[1] for line in lines if line.startswith("  idc ")]
    assert listed == list(APPS)
    assert len(lines) < 20


@pytest.mark.parametrize("arguments", [("--version",), ("train", "--version")])
def test_its_version_is_its_own(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
) -> None:
    idc(monkeypatch, *arguments)
    assert capsys.readouterr().out == f"idc {__version__}\n"


def test_an_unknown_app_gets_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        idc(monkeypatch, "trian", "seed=1")
    assert stop.value.code == 2
    assert "did you mean train?" in capsys.readouterr().err


def test_an_app_gets_its_arguments_as_from_its_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("IDC_ROOT", str(tmp_path))
    with pytest.raises(SystemExit) as stop:
        idc(monkeypatch, "compare", "intervals.level=2")
    assert stop.value.code == 1
    assert "intervals.level=2" in capsys.readouterr().err
    assert Path(sys.argv[0]).name == "compare.py"  # what a run logs as its command


COMPLETE = """
idc() {{ "{python}" -m idc "$@"; }}
eval "$(idc --shell-completion)"
for line in "idc ev" "idc train backbone=vgg16" "idc train seed=1 trainer.max_e"; do
    COMP_LINE="$line" COMP_POINT=${{#line}} COMPREPLY=()
    _idc
    echo "${{COMPREPLY[@]}}"
done
"""


@pytest.mark.slow
def test_tab_completes_apps_choices_and_options() -> None:
    done = subprocess.run(
        ["bash", "-c", COMPLETE.format(python=sys.executable)], capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [
        "evaluate",
        "backbone=vgg16 backbone=vgg16_bn",
        "trainer.max_epochs=",
    ], done.stderr
