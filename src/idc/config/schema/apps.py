"""The configuration of each app, and the rule for each value of any app."""

from collections import defaultdict
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Annotated, Any, Literal

from hydra.core.config_store import ConfigStore

from idc.config.rules import TEXT, Rule, either, whole
from idc.config.schema.data import Audit, Augment, Data, EvalLoader, Leaks, Loader, Split, Store
from idc.config.schema.decisions import (
    Calibration,
    Export,
    Inference,
    Intervals,
    Postprocess,
    Threshold,
)
from idc.config.schema.explain import Explain
from idc.config.schema.kinds import AtLeast1, Device, Name, Names, Seed
from idc.config.schema.learning import (
    Backbone,
    Callbacks,
    Head,
    Loss,
    Monitor,
    Optimizer,
    Scheduler,
    Trainer,
)
from idc.config.schema.option import REQUIRED, defaults, option, options, part, parts
from idc.config.schema.places import Launcher, Paths, Search, Sweep, Tracking

IN_UI = "its name in the MLflow UI; null names it after"


@part
class Train:
    """Train, test, explain and track one experiment, or with -m a sweep of them."""

    seed: Seed = option(0, "seed of weights, order and augmentation")
    name: Name | None = option(None, f"{IN_UI} what it varies")
    resume: str | None = option(None, "id of a run, or a checkpoint, to go on from")
    report: bool = option(True, "figures, page and model card; false: numbers and tables only")
    data: Data
    split: Split
    backbone: Backbone
    head: Head
    loss: Loss
    optimizer: Optimizer
    scheduler: Scheduler
    augment: Augment
    loader: Loader
    trainer: Trainer
    monitor: Monitor
    callbacks: Callbacks
    logger: dict[str, Any] = option(
        {}, "Lightning loggers beside MLflow, added as +logger.NAME._target_=CLASS"
    )
    threshold: Threshold
    calibration: Calibration
    postprocess: Postprocess
    inference: Inference
    intervals: Intervals
    tracking: Tracking
    paths: Paths
    store: Store
    leaks: Leaks
    sweep: Sweep
    search: Search
    launcher: Launcher
    audit: Audit
    explain: Explain


@part
class Prepare:
    """Check a data set, pack it and show it, before anything is trained on it."""

    seed: Seed = option(0, "seed of the patches that the report shows")
    name: Name | None = option(None, f"{IN_UI} the set")
    report: bool = option(True, "figures and the page; false checks and packs only")
    verify: bool = option(False, "compare every packed patch with its hash")
    data: Data
    split: Split
    tracking: Tracking
    paths: Paths
    store: Store
    audit: Audit


@part
class OpensRun:
    """What opening a finished run needs; see `idc.pipelines.finished_run`."""

    run: str = option(REQUIRED, "id of a run of idc.train")
    seed: Seed = option(0, "seed of what is drawn at random")
    device: Device = option("auto", "auto | cpu | cuda | cuda:1")
    data: Data
    loader: EvalLoader
    inference: Inference
    tracking: Tracking
    paths: Paths
    store: Store
    leaks: Leaks
    audit: Audit
    explain: Explain


@part
class Evaluate(OpensRun):
    """Evaluate a trained run, or a sweep's ensemble, on any data."""

    run: str = option(REQUIRED, "id of a run, or of a sweep: its jobs are an ensemble")
    name: Name | None = option(None, f"{IN_UI} run, data and inference")
    known_patients: Literal["fail", "drop", "keep"] = option(
        "fail", "patients of other data that the run was trained or tuned on"
    )
    report: bool = option(True, "figures, the page and the model card")
    intervals: Intervals


@part
class ExplainRun(OpensRun):
    """Explain a trained run: more patches, more methods, slide maps; logged to that run."""

    name: Name | None = option(
        None, "where the results go, below explain/; null names it after what was selected"
    )


@part
class Review(OpensRun):
    """Let pathologists judge a run's patches, on a small page of their own."""

    mode: Literal["blinded", "open"] = option(
        "blinded", "blinded: the verdict comes before the model's answer"
    )
    order: Literal["random", "uncertainty", "suspects"] = option(
        "random", "suspects: labels that the model contradicts"
    )
    count: AtLeast1 | None = option(100, "cases; null for all")
    select: str = option("all", "all | errors (of the test split) | patient=ID | files=PATH")
    readers: Names | None = option(None, "whose answers count: null for all, or [AB,CD]")
    host: str = option("127.0.0.1", "beyond this machine it needs IDC_REVIEW_PASSWORD")
    port: Annotated[int, whole(0, 65535)] = option(8080, "the page's port")
    ssl_certfile: str | None = option(None, "certificate, for https")
    ssl_keyfile: str | None = option(None, "its key")
    serve: bool = option(True, "false: no page; only the results of the answers there are")
    export: Export


@part
class SignOff:
    """Make the pack that pathologists sign: result, review, limits, signatures."""

    run: str = option(REQUIRED, "id of a run of idc.train or idc.evaluate")
    purpose: str | None = option(None, "what it is approved for; null leaves a line for it")
    roles: Names = option(["pathologist", "pathologist", "research engineer"], "who signs")
    pdf: bool = option(True, "a PDF too, where Chromium is on this machine")
    tracking: Tracking
    paths: Paths


@part
class Compare:
    """Compare finished runs that were tested on the same patches."""

    runs: list[str] = option([], "ids of runs (of idc.train or idc.evaluate) and of sweeps")
    sweep: str | None = option(None, "or a sweep's id: its jobs, pooled over folds")
    experiment_name: Name | None = option(None, "or an experiment: all its finished trainings")
    name: Name | None = option(None, f"{IN_UI} what is compared")
    report: bool = option(True, "the figures of each setting too")
    intervals: Intervals
    tracking: Tracking
    paths: Paths


@part
class Gc:
    """List the runs that a kill has left RUNNING; apply=true closes them as KILLED."""

    apply: bool = option(False, "close them")
    tracking: Tracking
    paths: Paths


@part
class Sync:
    """Deliver what runs could not deliver to a tracking server that was away."""

    tracking: Tracking
    paths: Paths


APPS: Mapping[str, type] = {
    "train": Train,
    "prepare": Prepare,
    "evaluate": Evaluate,
    "compare": Compare,
    "explain": ExplainRun,
    "review": Review,
    "signoff": SignOff,
    "gc": Gc,
    "sync": Sync,
}


def register(app: str) -> None:
    """Make the defaults of an app known to Hydra, as ``<app>_schema``; before it composes.

    Plain values, not structured nodes: Hydra would otherwise convert values and refuse those of
    other people's classes, in words of its own; `idc.config.check` refuses what cannot work.
    """
    ConfigStore.instance().store(f"{app}_schema", defaults(APPS[app]), provider="idc")


@cache
def own_options(place: str) -> frozenset[str]:
    """The names of a part's options that its ``_target_`` does not take."""
    kind = next((kind for name, kind in parts(APPS["train"]) if name == place), None)
    return frozenset(o.name for o in options(kind) if o.own) if kind else frozenset()


@cache
def part_names() -> frozenset[str]:
    """The dotted names of all parts of all apps."""
    return frozenset(name for kind in APPS.values() for name, _ in parts(kind))


@cache
def rules() -> Mapping[str, Rule]:
    """The rule of each option by its dotted name, where ``*`` stands for any name."""
    by_name: dict[str, dict[str, Rule]] = defaultdict(dict)
    for kind in APPS.values():
        for one in options(kind):
            by_name[one.name][one.rule.words] = one.rule
    return {name: either(*some.values()) for name, some in by_name.items()}


@cache
def rule_for(name: str) -> Rule | None:
    """The rule for a value by its dotted name; None for values of other people's classes."""
    if name.endswith("_target_"):
        return TEXT
    patterns = (one for one in rules() if "*" in one and fnmatchcase(name, one))
    return rules().get(name) or rules().get(next(patterns, ""))
