"""A sweep: opened before its jobs, closed after them, whatever became of them.

Hydra announces the start of a multirun by a callback, but not its end when a job failed; so the
app itself closes the sweep, with `finish`.
"""

import logging
import sys
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import OverrideType
from hydra.experimental.callback import Callback
from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationToMissingValueError, MissingMandatoryValue

from idc.config.values import look_up
from idc.launch.sweep_record import Sweep, typed

log = logging.getLogger(__name__)
_open: Sweep | None = None


class SweepCallback(Callback):
    """Opens the sweep when Hydra starts a multirun."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Create the parent run, once, before any job."""
        global _open
        from idc.errors import IdcError
        from idc.launch.search import check_search, is_search

        try:
            _check_names(config)
            _check_common(config)
            if is_search(config):
                check_search(config)
            from idc.launch.parent import open_parent

            _open = open_parent(describe(config), config)
        except Exception as error:
            # Hydra would turn an exception of a callback into a warning and go on.
            what = "" if isinstance(error, IdcError) else "the sweep cannot be opened: "
            print(f"error: {what}{error}", file=sys.stderr)
            raise SystemExit(1) from error
        _open.save()


def _check_names(config: DictConfig) -> None:
    """Refuse options and choices that do not exist; Hydra would, but job by job."""
    from idc.errors import ConfigError
    from idc.launch.refused import unknown_choice, unknown_option
    from idc.launch.search_space import parsed_sweep

    overrides = typed(config.hydra.overrides.task)
    loader = GlobalHydra.instance().config_loader()
    parsed = list(parsed_sweep(config).values())
    plain = OmegaConf.to_container(config, resolve=False)
    assert isinstance(plain, dict)
    groups = set(config.hydra.runtime.choices)
    swept_groups = {o.key_or_group for o in parsed if o.is_sweep_override()} & groups
    for override in parsed:
        name = str(override.key_or_group)
        if name in swept_groups and override.is_choice_sweep():
            there = loader.get_group_options(name)
            for choice in override.sweep_string_iterator():
                if choice not in (*there, "null") and not choice.startswith("["):
                    raise ConfigError(unknown_choice(name, choice, there))
        of_a_choice = name in groups or name.partition(".")[0] in swept_groups or "/" in name
        absent = override.type == OverrideType.CHANGE and look_up(plain, name, plain) is plain
        if absent and not of_a_choice:
            app = str(config.hydra.job.config_name)
            raise ConfigError(unknown_option(name, app, overrides))


def _check_common(config: DictConfig) -> None:
    """Refuse values that all jobs share, before the sweep is opened."""
    from idc.config.build import resolve
    from idc.config.check import check
    from idc.errors import ConfigError
    from idc.launch.disk import check_tracking

    try:
        common = resolve(
            OmegaConf.masked_copy(config, [str(k) for k in config if k != "hydra"]), {}
        )
    except ConfigError as error:
        if isinstance(error.__cause__, MissingMandatoryValue | InterpolationToMissingValueError):
            return  # what is missing may be swept
        raise
    check(common)
    check_tracking(common, Path.cwd())


def describe(config: DictConfig) -> Sweep:
    """The sweep of a composed configuration, with its ``hydra`` node."""
    from idc.launch.search import describe_search, is_search

    overrides = typed(config.hydra.overrides.task)
    parser = OverridesParser.create(GlobalHydra.instance().config_loader())
    parsed = parser.parse_overrides(overrides)
    swept = [str(o.key_or_group) for o in parsed if o.is_sweep_override()]
    space = OmegaConf.select(config, "hydra.sweeper.params")
    swept += [str(key) for key in (space or {}) if str(key) not in swept]
    planned = None
    # Hydra loads its plugins twice, so that a class may be no subclass of its own base.
    split = getattr(get_class(str(config.hydra.sweeper._target_)), "split_arguments", None)
    if split is not None:
        own = [f"{key}={value}" for key, value in (space or {}).items()]
        (planned,) = split(parser.parse_overrides([*own, *overrides]), None)
    folder = Path(str(config.hydra.sweep.dir)).absolute()
    search = describe_search(config, folder) if is_search(config) else None
    return Sweep(folder, overrides, swept, search=search, planned=planned)


def opened() -> Sweep:
    """The sweep that this process has opened."""
    assert _open is not None
    return _open


def is_open() -> bool:
    """Whether this process has opened a sweep: it leads the jobs, and is no worker."""
    return _open is not None


def finish(code: int) -> int:
    """Close the sweep, if one is open, and say which jobs failed; not 0 if one did."""
    global _open
    sweep, _open = _open, None
    if sweep is None:
        return code
    from idc.launch.parent import close_parent

    return close_parent(sweep, code)
