"""What a configuration asks to be explained, refused by name where it cannot be."""

from collections.abc import Mapping
from dataclasses import dataclass

from idc.attribution.faithfulness.plan import FaithfulnessPlan
from idc.attribution.features.projection import METHODS as PROJECTORS
from idc.attribution.methods import Method
from idc.attribution.select import NAMED, parse_selection
from idc.config.build import Config, build
from idc.errors import ConfigError
from idc.slides.smoothers import make_smoothers


@dataclass(frozen=True)
class Wanted:
    """What a configuration asks for.

    Attributes:
        methods: Name to method.
        plan: How faithfulness is measured; None where it is not.
    """

    methods: Mapping[str, Method]
    plan: FaithfulnessPlan | None


def wanted(asked: Config) -> Wanted:
    """The methods and the plan that ``explain`` names.

    Raises:
        ConfigError: A value cannot be used.
    """
    methods = {name: build(node, f"explain.{name}") for name, node in asked["methods"].items()}
    node = asked.get("faithfulness")
    plan: FaithfulnessPlan | None = build(node, "explain.faithfulness") if node else None
    return Wanted(methods, plan if plan is not None and plan.patches and methods else None)


def wants_anything(asked: Config) -> bool:
    """Whether there is anything to explain."""
    parts = {
        name: asked.get(name) or {} for name in ("features", "embedding", "slides", "smoothing")
    }
    return bool(
        asked["methods"]
        or parts["features"].get("patches")
        or parts["embedding"].get("method", "none") != "none"
        or parts["slides"].get("patients")
        or parts["smoothing"].get("use")
    )


def check_explain(asked: Config) -> None:
    """Refuse what cannot be explained, before hours of training.

    Args:
        asked: The configuration's ``explain``; parts may be missing in that of an old run.

    Raises:
        ConfigError: Names the value and what it must be.
    """
    parse_selection(asked.get("select", "kinds"))
    methods = wanted(asked).methods
    for part in ("regions", "slides"):
        method = (asked.get(part) or {}).get("method")
        if method is not None and method not in methods:
            raise ConfigError(
                f"explain.{part}.method={method}: it is not among the methods "
                f"({', '.join(methods) or 'none'}); add it to explain=[...]."
            )
    projector = (asked.get("embedding") or {}).get("method", "none")
    if projector not in (*PROJECTORS, "none"):
        known = ", ".join((*PROJECTORS, "none"))
        raise ConfigError(f"explain.embedding.method={projector}: choose {known}.")
    patients = (asked.get("slides") or {}).get("patients", 0)
    counted = isinstance(patients, int) and not isinstance(patients, bool) and patients >= 0
    if not (counted or patients == "all" or isinstance(patients, list)):
        raise ConfigError(
            f"explain.slides.patients={patients}: give a number, all, or a list of patients."
        )
    strengths = (asked.get("smoothing") or {}).get("strengths") or {}
    make_smoothers({kind: values for kind, values in strengths.items() if values})


def refuse_named(asked: Config) -> None:
    """Refuse a selection that only makes sense for a run that is there.

    Raises:
        ConfigError: It names patients or files.
    """
    if (selection := parse_selection(asked.get("select", "kinds"))).what in NAMED:
        raise ConfigError(
            f"explain.select={selection.what}=...: a run explains its test split; ask it about "
            f"others when it has finished: python -m idc.explain run=ID explain.select=..."
        )
