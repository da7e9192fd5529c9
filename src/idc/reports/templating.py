"""Jinja templates: plain text for sentences, HTML for pages, Markdown for cards and descriptions.

Every inserted value is escaped for its format, so that no name becomes markup.
"""

import re
from collections.abc import Callable
from typing import Any

import jinja2

from idc.metrics.resampling import FEW_PATIENTS
from idc.reports.formats import (
    cell_text,
    duration,
    hundred_interval,
    interval_text,
    metric_name,
    number,
    numeric_columns,
    of_hundred,
)
from idc.reports.markdown import code, escape, markdown_table, one_line
from idc.text import count, listing, per_cent

ITEM = re.compile(r"^- ", re.M)
FILTERS: dict[str, Callable[..., Any]] = {
    "cell": cell_text,
    "code": code,
    "count": count,
    "duration": duration,
    "hundred_interval": hundred_interval,
    "interval": interval_text,
    "listing": listing,
    "markdown_table": markdown_table,
    "metric": metric_name,
    "number": number,
    "numeric_columns": numeric_columns,
    "of_hundred": of_hundred,
    "per_cent": per_cent,
    "thousands": "{:,}".format,
}


def _environment(**options: Any) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("idc.reports"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.do"],
        **options,
    )
    environment.filters |= FILTERS
    environment.globals |= {"FEW_PATIENTS": FEW_PATIENTS}
    return environment


PLAIN = _environment(autoescape=False, finalize=one_line)
MARKDOWN = _environment(autoescape=False, finalize=escape)
HTML = _environment(autoescape=True)


def notes(template: str, **data: Any) -> list[str]:
    """The lines of a plain-text template, without empty ones."""
    return [line for line in PLAIN.get_template(template).render(data).splitlines() if line.strip()]


class Sentences:
    """The macros of a plain-text template, as text that pages and cards escape."""

    def __init__(self, template: str, **data: Any) -> None:
        self._macros = PLAIN.get_template(template).make_module(data)

    def text(self, name: str, *values: object) -> str:
        """The text of a macro, on one line."""
        return one_line(self._render(name, *values)).strip()

    def list(self, name: str, *values: object) -> list[str]:
        """The items of a macro, each of which begins with ``- `` on a line of its own."""
        return [one_line(item).strip() for item in ITEM.split(self._render(name, *values))[1:]]

    def _render(self, name: str, *values: object) -> str:
        # Called from Python, where a macro's text is not taken for safe HTML.
        return str(getattr(self._macros, name)(*values))
