"""What every command shares: it prints what the terminal can show."""

import io
import subprocess
import sys

import pytest

from idc.launch.terminal import make_printable


def test_characters_that_a_terminal_lacks_stop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    monkeypatch.setattr(sys, "stdout", stream)
    make_printable()
    print("0.912 ± 0.004 患\udce4", flush=True)
    assert stream.buffer.getvalue() == b"0.912 +/- 0.004 ??\n"  # type: ignore[attr-defined]


def test_a_pipe_that_takes_a_few_lines_is_no_error() -> None:
    script = "from idc.launch.terminal import print_to_pipe; print_to_pipe('line\\n' * 100_000)"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b"line\n"
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (0, b"")
