"""A page that carries everything it shows: no script, no network, no file beside it.

A page is data: sections of blocks. What is written here knows nothing of what a report is about.
All words are escaped; nothing that comes from a folder's or a patient's name becomes markup.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from idc.errors import DataError
from idc.reports.blocks import Block, Notice


@dataclass(frozen=True)
class Section:
    """A part of the page, which the table of contents names."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A report.

    Attributes:
        title: Its name, in the browser's tab too.
        lead: One or two sentences that say the most important.
        facts: Key facts, name to value, in order.
        sections: Its parts, in order.
        note: A line at the foot.
        warning: What must be read before anything else.
    """

    title: str
    lead: str
    facts: Mapping[str, str]
    sections: Sequence[Section]
    note: str = ""
    warning: Notice | None = None


def write_page(page: Page, path: Path) -> Path:
    """Write the page as one HTML file, piece by piece, and return its path.

    Raises:
        DataError: The file cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("idc.reports", ""),
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
