"""The options of ``explain``: building the methods, and refusing what cannot work."""

from collections.abc import Mapping

from idc.attribution.methods import Method
from idc.attribution.select import NAMED, parse_selection
from idc.config.build import Config, build
from idc.errors import ConfigError


def configured_methods(options: Config) -> Mapping[str, Method]:
    """Build the methods of ``explain``, by name.

    Raises:
        ConfigError: A value cannot be used.
    """
    return {name: build(node, f"explain.{name}") for name, node in options["methods"].items()}


def explains_anything(options: Config) -> bool:
    """Whether any part of ``explain`` is on."""
    return bool(
        options["methods"]
        or options["features"]["patches"]
        or options["embedding"]["method"] != "none"
        or options["slides"]["patients"]
    )


def check_explain(options: Config) -> None:
    """Refuse explanations that cannot work, before hours of training.

    Parts of ``explain`` may be missing in an old run.

    Raises:
        ConfigError: Names the value and what it must be.
    """
    parse_selection(options.get("select", "kinds"))
    methods = configured_methods(options)
    for part in ("regions", "slides"):
        method = (options.get(part) or {}).get("method")
        if method is not None and method not in methods:
            raise ConfigError(
                f"explain.{part}.method={method}: it is not among the methods "
                f"({', '.join(methods) or 'none'}); add it to explain=[...]."
            )


def refuse_named(options: Config) -> None:
    """Refuse a selection that needs a finished run.

    Raises:
        ConfigError: It names patients or files.
    """
    if (selection := parse_selection(options.get("select", "kinds"))).what in NAMED:
        raise ConfigError(
            f"explain.select={selection.what}=...: a training explains its test split; explain "
            f"other patches of the finished run with: python -m idc.explain run=ID "
            f"explain.select=..."
        )
