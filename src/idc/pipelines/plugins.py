"""Lightning's own callbacks and loggers, as ``_target_`` nodes of the configuration."""

from collections.abc import Mapping
from inspect import isclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loggers import Logger

from idc.config.build import Config, build
from idc.config.buildable import parameter_names
from idc.errors import ConfigError, first_line

# The value that turns a callback of ours off when it is null.
SWITCHES = {"early_stopping": "patience", "ema": "decay", "resizing": "sizes"}
KINDS: Mapping[str, type] = {"callbacks": pl.Callback, "logger": Logger}


def build_configured_callbacks(config: Config) -> list[pl.Callback]:
    """The callbacks of the configuration, those that are switched off left out.

    Raises:
        ConfigError: A node names no callback, or one that refuses its values.
    """
    nodes = {
        name: node
        for name, node in config["callbacks"].items()
        if name not in SWITCHES or node[SWITCHES[name]] is not None
    }
    return [
        _build(node, f"callbacks.{name}", **(resizing_bounds(config) if name == "resizing" else {}))
        for name, node in nodes.items()
    ]


def resizing_bounds(config: Config) -> dict[str, int]:
    """What progressive resizing must end with: the full size, and the last epoch."""
    return {"image_size": config["data"]["image_size"], "epochs": config["trainer"]["max_epochs"]}


def build_loggers(config: Config, folder: Path) -> list[Logger]:
    """The loggers of the configuration; what they save goes to the run's folder unless they say.

    Raises:
        ConfigError: A node names no logger, or one that refuses its values.
    """
    loggers = []
    for name, node in config["logger"].items():
        place = f"logger.{name}"
        takes = parameter_names(_target(node, place)) or frozenset()
        where = {"save_dir": str(folder)} if "save_dir" in takes - node.keys() else {}
        loggers.append(_build(node, place, **where))
    return loggers


def check_plugins(config: Config) -> None:
    """Refuse callbacks and loggers that do not exist or are neither, before any data are read.

    Raises:
        ConfigError: Names the node and what it must be.
    """
    for group, kind in KINDS.items():
        for name, node in config[group].items():
            place = f"{group}.{name}"
            target = _target(node, place)
            try:
                value = resolve_name(target)
            except Exception as error:
                raise ConfigError(f"{place}._target_={target}: {first_line(error)}") from error
            if isclass(value) and not issubclass(value, kind):
                raise ConfigError(f"{place}._target_={target}: give a Lightning {kind.__name__}.")


def _target(node: Any, place: str) -> str:
    target = node.get("_target_") if isinstance(node, Mapping) else None
    if not isinstance(target, str):
        raise ConfigError(f"{place}: give its class, as +{place}._target_=CLASS.")
    return target


def _build(node: Any, place: str, **extra: Any) -> Any:
    kind = KINDS[place.partition(".")[0]]
    made = build(node, place, **extra)
    if not isinstance(made, kind):
        raise ConfigError(f"{place}._target_={_target(node, place)}: give a {kind.__name__}.")
    return made
