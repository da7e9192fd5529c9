"""Values that cannot work are refused by name, before anything heavy is imported or opened."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from idc.config.rules import MAPPING, is_number
from idc.config.schema.apps import APPS, part_names, rule_for
from idc.config.tree import chosen_tree, has_only_choices
from idc.errors import ConfigError

NOT_VALUES = ("choices",)  # of groups, which Hydra has checked
TRUSTED = "trusted"  # where the command line names what a stored configuration may build


def check(config: Mapping[str, Any]) -> None:
    """Refuse values that cannot work, of any app; it takes milliseconds.

    Raises:
        ConfigError: Names the value and what it must be.
    """
    values = {key: value for key, value in config.items() if key not in NOT_VALUES}
    if choices := config.get("choices"):
        # A choice of the user's own may have keys of its own.
        ours = {k: v for k, v in values.items() if has_only_choices(k, choices.get(k))}
        ours.pop(TRUSTED, None)
        _check_names(ours, [chosen_tree(choices, app) for app in APPS])
    _walk(values, "")
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
    loss, augment = config.get("loss") or {}, config.get("augment") or {}
    for mixing in ("mixup", "cutmix"):
        if "contrastive_weight" in loss and augment.get(mixing):
            raise ConfigError(
                f"augment.{mixing}: a mixed patch has no class to contrast (loss=supcon); set "
                f"augment.{mixing}=0, or another loss."
            )
    if optimizer.get("nesterov") and not optimizer.get("momentum"):
        raise ConfigError(
            "optimizer.momentum=0: optimizer.nesterov=true requires optimizer.momentum > 0."
        )


def check_value(name: str, value: Any) -> None:
    """Refuse a value that its option cannot have, by its dotted name.

    Raises:
        ConfigError: Names the value and what it must be.
    """
    if (rule := rule_for(name)) is not None and not rule.holds(value):
        raise ConfigError(f"{name}={_shown(value)}: give {rule.words}.")
    if (odd := _infinite(value)) is not None:
        raise ConfigError(f"{name}={_shown(value)}: {odd} is no finite number.")


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


def _check_names(node: Mapping[str, Any], trees: Sequence[Any], place: str = "") -> None:
    """Refuse a key that a plus has added where nothing reads it.

    A part with a ``_target_`` refuses it itself, when that is built.

    Args:
        node: A part of the configuration.
        trees: The same part, as each app has it.
        place: Its dotted name and a dot.
    """
    trees = [tree for tree in trees if isinstance(tree, Mapping)]
    there = {key for tree in trees for key in tree}
    for key, value in node.items():
        name, is_node = f"{place}{key}", isinstance(value, Mapping)
        if key not in there and not (place == "callbacks." and is_node and "_target_" in value):
            nearest = get_close_matches(key, sorted(there), 1, 0.6)
            guess = f" did you mean {place}{nearest[0]}?" if nearest else ""
            raise ConfigError(
                f"{name}: there is no such option, and nothing would read it;{guess} "
                f"--help lists all."
            )
        if is_node and name in part_names() and "_target_" not in value:
            _check_names(value, [tree.get(key) for tree in trees], f"{name}.")


def _walk(node: Mapping[str, Any], place: str) -> None:
    for key, value in node.items():
        name = f"{place}{key}"
        rule, is_part = rule_for(name), name in part_names()
        if isinstance(value, Mapping) and (is_part or rule is None or rule.holds(value)):
            _walk(value, f"{name}.")
        elif rule is None and is_part:
            raise ConfigError(f"{name}={_shown(value)}: give {MAPPING.words} of its values.")
        else:
            check_value(name, value)


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
