"""Lists and front matter of the model card."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from idc.reports.markdown import Markdown, escape


def bullets(items: Iterable[str]) -> Markdown:
    """Format a list."""
    return Markdown("\n".join(f"- {escape(item)}" for item in items))


def front_matter(data: Mapping[str, Any]) -> Markdown:
    """Format metadata as YAML, without the delimiting dashes."""
    return Markdown(yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True).strip())
