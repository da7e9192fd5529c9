"""A page as a PDF, printed by the browser of this machine."""

import logging
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

log = logging.getLogger(__name__)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MOST_SECONDS = 120


def print_pdf(page: Path) -> Path | None:
    """Print a self-contained page to a PDF beside it; None if no Chromium is here, or it fails."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return None
    target = page.with_suffix(".pdf")
    # Its sandbox needs rights that root does not give away; the page has no scripts.
    root = ["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as profile:
        command = [
            *(browser, "--headless", "--disable-gpu", *root, f"--user-data-dir={profile}"),
            *("--no-pdf-header-footer", f"--print-to-pdf={target.resolve()}"),
            page.resolve().as_uri(),
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=MOST_SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            log.warning("signoff: %s could not print the page (%s)", browser, error)
            return None
    return target if target.is_file() else None
