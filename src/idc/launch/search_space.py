"""The space of a hyperparameter search: Hydra's sweep syntax as Optuna's distributions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from hydra.errors import HydraException
from omegaconf import DictConfig

from idc.config.check import check_value
from idc.errors import ConfigError, first_line
from idc.launch.sweep_record import typed

if TYPE_CHECKING:  # an extra
    from optuna.distributions import BaseDistribution

DIGITS = 4  # of a number that is drawn from an interval: nobody types 17
NOT_SEARCHED = ("monitor", "search", "sweep", "launcher", "tracking", "paths")


@dataclass(frozen=True)
class Space:
    """What a search chooses, and what it leaves as it is.

    Attributes:
        distributions: Key of an override (``optimizer.lr``, ``+x``) to what is drawn for it.
        fixed: The overrides that all trials share.
    """

    distributions: Mapping[str, "BaseDistribution"]
    fixed: list[str]

    def values(self, parameters: Mapping[str, Any]) -> dict[str, str]:
        """What Optuna has drawn as values of overrides: categories as typed, numbers rounded."""
        return {key: self._text(key, value) for key, value in parameters.items()}

    def _text(self, key: str, value: Any) -> str:
        if not isinstance(value, float):
            return str(value)
        drawn: Any = self.distributions[key]
        return repr(min(max(float(f"{value:.{DIGITS}g}"), drawn.low), drawn.high))


def parsed_sweep(config: DictConfig) -> dict[str, Override]:
    """Each override of a sweep by its key: ``hydra.sweeper.params``, then the command line's.

    Raises:
        ConfigError: The value of a parameter is not in Hydra's syntax.
    """
    parser = OverridesParser.create(GlobalHydra.instance().config_loader())
    own = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    try:
        parsed = parser.parse_overrides([*own, *typed(config.hydra.overrides.task)])
    except HydraException as error:
        raise ConfigError(f"hydra.sweeper.params: {first_line(error)}") from error
    return {override.get_key_element(): override for override in parsed}


def read_space(config: DictConfig) -> Space:
    """The space of a composed configuration.

    Raises:
        ConfigError: Nothing is searched, a sweep cannot be, or a value of it that would be tried
            (each choice, both ends of an interval) is not allowed for its option.
    """
    overrides = parsed_sweep(config)
    searched = {key: one for key, one in overrides.items() if one.is_sweep_override()}
    if not searched:
        raise ConfigError(
            "hydra/sweeper=optuna: nothing is searched. Give a space, such as "
            "'optimizer.lr=tag(log,interval(1e-4,1e-2))', or one of conf/search/ (search=resnet)."
        )
    groups = set(config.hydra.runtime.choices)
    drawn = {key: _distribution(one, groups) for key, one in searched.items()}
    fixed = [str(one.input_line) for key, one in overrides.items() if key not in searched]
    return Space(drawn, fixed)


def _distribution(override: Override, groups: set[str]) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    name, value = str(override.key_or_group), override.value()
    if name.partition(".")[0] in NOT_SEARCHED:
        raise ConfigError(f"{name}: trials that differ in it cannot be compared; give one value.")
    if not isinstance(value, IntervalSweep | RangeSweep):
        texts = list(dict.fromkeys(override.sweep_string_iterator()))
        for text in texts if name not in groups else ():
            check_value(name, _plain(name, text))
        return CategoricalDistribution(texts)
    low, high, step = _ends(value)
    for end in (low, high):
        check_value(name, end)
    whole = isinstance(low, int) and isinstance(high, int)
    kind: Any = IntDistribution if whole else FloatDistribution
    steps = {} if step is None else {"step": step}
    try:
        made: BaseDistribution = kind(low, high, log="log" in value.tags, **steps)
    except ValueError as error:
        raise ConfigError(f"{override.input_line}: {first_line(error)}") from error
    return made


def _ends(value: IntervalSweep | RangeSweep) -> tuple[Any, Any, Any]:
    if isinstance(value, IntervalSweep):
        return value.start, value.end, None
    values = list(_of_range(value))
    return values[0], values[-1], None if "log" in value.tags else value.step


def _of_range(value: RangeSweep) -> Iterator[float]:
    start, stop, step = value.start, value.stop, value.step
    assert start is not None
    assert stop is not None
    if not start < stop or not step > 0:
        raise ConfigError(f"range({start},{stop},{step}): it holds no value.")
    number = 0
    while (one := start + number * step) < stop:
        yield one
        number += 1


def _plain(name: str, text: str) -> Any:
    """The value of an override, as its option has it."""
    value = OverridesParser.create().parse_override(f"{name}={text}").value()
    return getattr(value, "text", value)
