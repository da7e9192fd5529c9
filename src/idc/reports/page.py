"""Self-contained HTML pages, without scripts, network access or other files.

A page is data: sections of blocks, of any subject. All text is escaped, so that names of folders or
patients never become markup.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from idc.errors import DataError
from idc.reports.blocks import Block, Notice


@dataclass(frozen=True)
class PageSection:
    """A section of the page, listed in the table of contents."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A report.

    Attributes:
        title: Its title, also of the browser tab.
        lead: Summary in one or two sentences.
        facts: Key facts, name to value, in order.
        sections: Its sections, in order.
        note: The footer.
        warning: Warnings at the top.
    """

    title: str
    lead: str
    facts: Mapping[str, str]
    sections: Sequence[PageSection]
    note: str = ""
    warning: Notice | None = None


def write_page(page: Page, path: Path) -> Path:
    """Write the page as one HTML file, and return its path.

    Raises:
        DataError: The file cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("idc.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    stream = environment.get_template("page.html.j2").stream(page=page)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream.dump(str(path), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: the report cannot be written ({error.strerror}).") from error
    return path
