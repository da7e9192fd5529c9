"""A bar where there is something to wait for, and nothing where nobody looks."""

import pytest

from idc.runtime.progress import progress_bar, shows_progress


@pytest.mark.parametrize(
    ("enabled", "total", "shown"), [("1", 3000, True), ("0", 3000, False), ("1", 10, False)]
)
def test_bars_are_for_many_patches_and_may_be_turned_off(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    enabled: str,
    total: int,
    shown: bool,
) -> None:
    monkeypatch.setenv("IDC_PROGRESS", enabled)
    assert shows_progress() is (enabled == "1")
    with progress_bar(total, "reading") as advance:
        advance(total - 1)
        advance(1)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert ("reading" in printed.err and f"{total}/{total}" in printed.err) is shown
