"""The configuration as plain containers, and its parts as objects."""

from collections.abc import Mapping
from typing import Any

import hydra.utils
from hydra.errors import InstantiationException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from idc.config.schema.apps import own_options
from idc.errors import ConfigError, IdcError, first_line

Config = dict[str, Any]


def resolve(cfg: DictConfig, choices: Mapping[str, str | None]) -> Config:
    """The configuration with every interpolation resolved, and the groups' choices beside it.

    Only for what this command line composed: what comes with a run is not resolved here, as an
    interpolation can read the environment; see `idc.config.stored`.

    Returns:
        Plain dicts, lists, strings and numbers; ``choices`` holds the groups' choices.

    Raises:
        ConfigError: A mandatory value is missing, or an interpolation leads nowhere.
    """
    try:
        plain = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        key = getattr(error, "full_key", None) or "a value"
        raise ConfigError(f"{key}: this must be given, as {key}=VALUE.") from error
    except OmegaConfBaseException as error:
        raise ConfigError(f"configuration: {first_line(error)}") from error
    assert isinstance(plain, dict)
    own = {k: v for k, v in choices.items() if not k.startswith("hydra/") and k != "hydra"}
    return {**{str(k): v for k, v in plain.items()}, "choices": own}


def build(node: Mapping[str, Any], what: str, **extra: Any) -> Any:
    """Instantiate a ``_target_`` node, without the options of its part that idc itself reads.

    Raises:
        IdcError: As the target raises it; a `ConfigError` for any other failure.
    """
    taken = {key: value for key, value in node.items() if key not in own_options(what)}
    try:
        return hydra.utils.instantiate(taken, **extra, _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, IdcError):
            raise cause from None
        reason = first_line(cause or error)
        raise ConfigError(f"{what}: {node.get('_target_')} refused its values: {reason}") from error
