"""Parts of the configuration that must be built to be checked, before any data are read."""

from idc.attribution.pipeline.options import check_explain, refuse_named
from idc.config.build import Config, build
from idc.config.buildable import parameter_names
from idc.config.check import check
from idc.config.schema.apps import own_options
from idc.data.audit.policy import Policy
from idc.errors import ConfigError
from idc.pipelines.build import build_transforms
from idc.pipelines.label_corrections import build_corrections
from idc.pipelines.plugins import check_plugins, resizing_bounds


def check_config(config: Config) -> None:
    """Refuse a configuration of a training that cannot work.

    Raises:
        ConfigError: Names the value and what it must be.
    """
    check_values(config)
    refuse_named(config["explain"])
    for part in ("optimizer", "scheduler", "trainer"):
        _check_arguments(config[part], part)
    build_transforms(config)
    check_plugins(config)
    resizing = config["callbacks"]["resizing"]
    if resizing["sizes"] is not None:
        build(resizing, "callbacks.resizing", **resizing_bounds(config))


def _check_arguments(node: Config, part: str) -> None:
    """Refuse what a class of a library does not take; it is built only when training begins."""
    names = parameter_names(node["_target_"])
    for key in node.keys() - own_options(part):
        if names is not None and key not in names and not key.startswith("_"):
            raise ConfigError(f"{part}.{key}: {node['_target_']} has no such argument.")


def check_values(config: Config) -> None:
    """Refuse values and parts that cannot work, of any app.

    Raises:
        ConfigError: Names the value and what it must be.
    """
    check(config)
    if "audit" in config:
        Policy(config["audit"])
    if "explain" in config:
        check_explain(config["explain"])
    if "data" in config:
        build_corrections(config)
    for part in ("split", "leaks", "calibration", "inference", "threshold", "postprocess"):
        if part in config:
            build(config[part], part)
