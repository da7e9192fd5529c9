"""Values that cannot work are refused by name, before any data are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from idc.data.audit.audit import Limits
from idc.data.decode import PILLOWS_LIMIT
from idc.data.leaks import KINDS
from idc.engine.config import Config, build
from idc.engine.correcting import build_corrections
from idc.engine.explaining.wanted import check_explain, refuse_named
from idc.engine.material import build_policy
from idc.engine.objects import build_transforms
from idc.errors import ConfigError
from idc.metrics.collection import METRIC_NAMES


@dataclass(frozen=True)
class Rule:
    """What a value must be: a test, and the words for it."""

    holds: Callable[[Any], bool]
    words: str


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(test: Callable[[float], bool], words: str) -> Rule:
    return Rule(lambda v: _is_number(v) and test(v), words)


def _whole(low: int) -> Rule:
    return Rule(
        lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= low,
        f"a whole number of {low} or more",
    )


def _optional(rule: Rule) -> Rule:
    return Rule(lambda v: v is None or rule.holds(v), f"null or {rule.words}")


def _one_of(*choices: Any) -> Rule:
    return Rule(lambda v: v in choices, " or ".join(map(str, choices)))


POSITIVE = _number(lambda v: v > 0, "a number above 0")
NOT_NEGATIVE = _number(lambda v: v >= 0, "a number of 0 or more")
SHARE = _number(lambda v: 0 <= v < 1, "a number from 0 up to, not including, 1")
OPEN_SHARE = _number(lambda v: 0 < v < 1, "a number between 0 and 1")
LIMIT = Rule(
    lambda v: (isinstance(v, int) and v >= 1) or (isinstance(v, float) and 0 < v <= 1),
    "a number of batches (1 or more) or a share in (0, 1]",
)

RULES: dict[str, Rule] = {
    "seed": _whole(0),
    "data.patch_size": _whole(8),
    "data.image_size": _whole(8),
    "data.edge": _one_of("pad", "resize"),
    "data.max_pixels": Rule(
        lambda v: _whole(1).holds(v) and v <= PILLOWS_LIMIT, f"1 to {PILLOWS_LIMIT:,} pixels"
    ),
    "split.seed": _whole(0),
    "split.fold": _whole(0),
    "split.train_fraction": _number(lambda v: 0 < v <= 1, "a share above 0 and at most 1"),
    "split.train_by": _one_of("patient", "patch"),
    "split.train_patients": _optional(_whole(1)),
    **{f"leaks.{kind}": _one_of("fail", "warn", "drop") for kind in KINDS},
    "loader.batch_size": _whole(1),
    "loader.eval_batch_size": _whole(1),
    "loader.num_workers": Rule(
        lambda v: v == "auto" or _whole(0).holds(v), "auto or a whole number of 0 or more"
    ),
    "loader.sampler": _one_of("shuffle", "balanced"),
    **{f"audit.limits.{name}": POSITIVE for name in ("white", "grey", "colourless", "ink")},
    "audit.limits.near_bits": _whole(0),
    "audit.limits.near_difference": NOT_NEGATIVE,
    "store.use": _one_of(True, False),
    "store.build": _one_of(True, False),
    "store.workers": Rule(
        lambda v: v == "auto" or _whole(1).holds(v), "auto or a whole number of 1 or more"
    ),
    "augment.device": _one_of("cpu", "gpu"),
    "augment.mixup": NOT_NEGATIVE,
    "augment.cutmix": NOT_NEGATIVE,
    "backbone.lr_factor": NOT_NEGATIVE,
    "backbone.unfreeze_every": _optional(_whole(1)),
    "backbone.bn_momentum": _optional(OPEN_SHARE),
    "backbone.normalize": _one_of("imagenet", "train"),
    "head.dropout": SHARE,
    "head.weight_decay": _optional(NOT_NEGATIVE),
    "loss.label_smoothing": SHARE,
    "loss.gamma": NOT_NEGATIVE,
    "optimizer.lr": POSITIVE,
    "optimizer.weight_decay": NOT_NEGATIVE,
    "optimizer.momentum": SHARE,
    "scheduler.warmup": SHARE,
    "scheduler.final": SHARE,
    "scheduler.factor": OPEN_SHARE,
    "scheduler.every": _whole(1),
    "scheduler.patience": _whole(0),
    "trainer.max_epochs": _whole(1),
    "trainer.gradient_clip_val": _optional(POSITIVE),
    "trainer.accumulate_grad_batches": _whole(1),
    "trainer.log_every_n_steps": _whole(1),
    "trainer.limit_train_batches": LIMIT,
    "trainer.limit_val_batches": LIMIT,
    "trainer.channels_last": _one_of("auto", True, False),
    "trainer.compile": _one_of("auto", True, False),
    "trainer.matmul_precision": _one_of("auto", "highest", "high", "medium"),
    "optimizer.fused": _one_of("auto", True, False),
    "callbacks.early_stopping.patience": _optional(_whole(0)),
    "callbacks.early_stopping.min_delta": NOT_NEGATIVE,
    "callbacks.ema.decay": _optional(OPEN_SHARE),
    "explain.per_kind": _whole(0),
    "explain.batch_size": _whole(1),
    "explain.count": _optional(_whole(1)),
    "explain.seed": _whole(0),
    "explain.regions.share": OPEN_SHARE,
    "explain.regions.min_pixels": _whole(1),
    "explain.regions.max_regions": _whole(1),
    **{f"explain.features.{name}": _whole(0) for name in ("patches", "units")},
    "explain.features.channels": _whole(1),
    "explain.embedding.points": _whole(5),
    "explain.slides.tiff": _one_of(True, False),
    "explain.slides.pixel_size": _optional(POSITIVE),
    "explain.smoothing.use": _one_of(True, False),
    "explain.smoothing.draws": _whole(0),
    "report": _one_of(True, False),
    "intervals.draws": _whole(0),
    "intervals.level": OPEN_SHARE,
    "monitor.mode": _one_of("max", "min"),
    "tracking.system_metrics_interval": POSITIVE,
}
MONITORS = tuple(f"{side}/{name}" for side in ("val", "train") for name in ("loss", *METRIC_NAMES))


def check_config(config: Config) -> None:
    """Refuse a configuration that cannot work.

    Args:
        config: The resolved configuration.

    Raises:
        ConfigError: Names the value and what it must be.
    """
    check_values(config)
    _check_monitor(config)
    _check_class_weights(config)
    if config["backbone"].get("unfreeze_every") and config["backbone"]["freeze"] == "none":
        raise ConfigError(
            "backbone.unfreeze_every: nothing is frozen; set backbone.freeze=all or to a stage."
        )
    if config["optimizer"].get("nesterov") and not config["optimizer"].get("momentum"):
        raise ConfigError(
            "optimizer.momentum=0: Nesterov's way needs momentum; give some, or set "
            "optimizer.nesterov=false."
        )
    refuse_named(config["explain"])
    build_transforms(config)


def check_values(config: Config) -> None:
    """Refuse single values that cannot work, of any app.

    Raises:
        ConfigError: Names the value and what it must be.
    """
    for place, rule in RULES.items():
        found, value = _look_up(config, place)
        if found and not rule.holds(value):
            raise ConfigError(f"{place}={value}: give {rule.words}.")
    if "audit" in config:
        Limits(**config["audit"]["limits"])
        build_policy(config)
    if "explain" in config:
        check_explain(config["explain"])
    if "data" in config:
        build_corrections(config)
    for part in ("split", "leaks", "calibration", "inference", "threshold"):
        if part in config:
            build(config[part], part)


def _check_monitor(config: Config) -> None:
    metric, mode = config["monitor"]["metric"], config["monitor"]["mode"]
    if metric not in MONITORS:
        raise ConfigError(f"monitor.metric={metric}: choose one of {', '.join(MONITORS)}.")
    right = "min" if metric.endswith("loss") else "max"
    if mode != right:
        raise ConfigError(f"monitor.mode={mode}: the best {metric} is its {right}; use {right}.")


def _check_class_weights(config: Config) -> None:
    weights = config["loss"].get("class_weights")
    fine = weights is None or weights == "balanced"
    if not fine and not (isinstance(weights, list) and all(POSITIVE.holds(w) for w in weights)):
        raise ConfigError(
            f"loss.class_weights={weights}: give null, balanced, or a list of numbers above 0, "
            f"one a class."
        )


def _look_up(config: Mapping[str, Any], place: str) -> tuple[bool, Any]:
    node: Any = config
    for key in place.split("."):
        if not isinstance(node, Mapping) or key not in node:
            return False, None
        node = node[key]
    return True, node
