"""Self-contained HTML pages, without scripts, network access or other files."""

from pathlib import Path
from typing import Any

from idc.errors import DataError
from idc.reports.picture import Figures
from idc.reports.templating import HTML


def write_page(path: Path, template: str, figures: Figures, **data: Any) -> Path:
    """Fill the template of a page, write it as one HTML file, and return its path.

    Raises:
        DataError: The file cannot be written.
    """
    page = HTML.get_template(template).render(figures=figures, contents=[], **data)
    return write_text(path, page)


def write_text(path: Path, text: str) -> Path:
    """Write a report's file, and return its path.

    Raises:
        DataError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: the report cannot be written ({error.strerror}).") from error
    return path
