"""Values that cannot work are refused by name, before anything heavy is imported or opened."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from idc.config.rules import MAPPING, is_number
from idc.config.schema.apps import part_names, rule_for
from idc.errors import ConfigError

NOT_VALUES = ("choices",)  # of groups, which Hydra has checked


def check(config: Mapping[str, Any]) -> None:
    """Refuse values that cannot work, of any app; it takes milliseconds.

    Raises:
        ConfigError: Names the value and what it must be.
    """
    _walk({key: value for key, value in config.items() if key not in NOT_VALUES}, "")
    if "split" in config and "image_size" not in config["data"]:
        raise ConfigError("data=run: there is no run to take the data from; choose data=...")
    if (monitor := config.get("monitor")) is not None:
        metric, mode = monitor["metric"], monitor["mode"]
        if mode != (right := "min" if metric.endswith("loss") else "max"):
            raise ConfigError(
                f"monitor.mode={mode}: the best {metric} is its {right}; use {right}."
            )
    _check_split(config.get("split") or {})
    backbone, optimizer = config.get("backbone") or {}, config.get("optimizer") or {}
    if backbone.get("unfreeze_every") and backbone["freeze"] == "none":
        raise ConfigError(
            "backbone.unfreeze_every: nothing is frozen; set backbone.freeze=all or to a stage."
        )
    if optimizer.get("nesterov") and not optimizer.get("momentum"):
        raise ConfigError(
            "optimizer.momentum=0: optimizer.nesterov=true requires optimizer.momentum > 0."
        )


def check_root(config: Mapping[str, Any], start: Path = Path()) -> None:
    """Refuse a folder of data that is not on this machine; a relative one is relative to `start`.

    Raises:
        ConfigError: Names the folder.
    """
    data = config.get("data") or {}
    root = data.get("root")
    if root is None and "root" in (data.get("source") or {}):
        raise ConfigError("data.root=null: give the data set's folder.")
    if root is not None and not (start / root).is_dir():
        raise ConfigError(f"data.root: there is no folder {root}.")


def _walk(node: Mapping[str, Any], place: str) -> None:
    for key, value in node.items():
        name = f"{place}{key}"
        rule, is_part = rule_for(name), name in part_names()
        if isinstance(value, Mapping) and (is_part or rule is None or rule.holds(value)):
            _walk(value, f"{name}.")
        elif rule is not None and not rule.holds(value):
            raise ConfigError(f"{name}={_shown(value)}: give {rule.words}.")
        elif rule is None and is_part:
            raise ConfigError(f"{name}={_shown(value)}: give {MAPPING.words} of its values.")
        elif (odd := _infinite(value)) is not None:
            raise ConfigError(f"{name}={_shown(value)}: {odd} is no finite number.")


def _infinite(value: Any) -> float | None:
    """A number in a value, at any depth, that is not finite."""
    if isinstance(value, Mapping):
        return _infinite(list(value.values()))
    if isinstance(value, list):
        return next((odd for one in value if (odd := _infinite(one)) is not None), None)
    return value if isinstance(value, float) and not is_number(value) else None


def _check_split(split: Mapping[str, Any]) -> None:
    folds, fold = split.get("folds"), split.get("fold", 0)
    if isinstance(folds, int) and fold >= folds:
        raise ConfigError(f"split.fold={fold}: with split.folds={folds} give 0..{folds - 1}.")
    if split.get("test_fraction", 0) + split.get("val_fraction", 0) >= 1:
        raise ConfigError(
            "split.test_fraction + split.val_fraction leave nothing to train on; make their sum "
            "less than 1."
        )


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return f"{value!r}" if value == "" else f"{value}"
