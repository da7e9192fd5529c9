"""What is written for people stands in templates, not in Python."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


def render(name: str, **values: object) -> str:
    """Fill a template of ``templates/``; values are escaped in HTML."""
    return _environment().get_template(name).render(**values)


def notes(name: str, **values: object) -> list[str]:
    """The notes of a template with one note per line."""
    return [line for line in render(name, **values).splitlines() if line.strip()]


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("idc.reader_study"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(),
    )
