"""A page is printed where there is a browser."""

import shutil
from pathlib import Path

import pytest

from idc.reports import pdf


def test_without_a_browser_there_is_no_pdf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "BROWSERS", ("no-such-browser",))
    assert pdf.print_pdf(tmp_path / "page.html") is None


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, pdf.BROWSERS)), reason="there is no Chromium here")
def test_a_page_is_printed(tmp_path: Path) -> None:
    page = tmp_path / "a page.html"
    page.write_text("<!DOCTYPE html><title>x</title><p>text", "utf-8")
    printed = pdf.print_pdf(page)
    assert printed == tmp_path / "a page.pdf"
    assert printed.read_bytes().startswith(b"%PDF")
