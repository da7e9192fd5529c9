"""What every command shares: it prints what the terminal can show."""

import io
import sys

import pytest

from idc.launch.terminal import make_printable


def test_characters_that_a_terminal_lacks_stop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    monkeypatch.setattr(sys, "stdout", stream)
    make_printable()
    print("0.912 ± 0.004 患\udce4", flush=True)
    assert stream.buffer.getvalue() == b"0.912 +/- 0.004 ??\n"  # type: ignore[attr-defined]
