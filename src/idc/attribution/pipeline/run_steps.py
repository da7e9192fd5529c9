"""All parts of an explanation in order: first the trust in the methods, which every map needs."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from idc.attribution.faithfulness.measure import work_steps
from idc.attribution.faithfulness.plan import FaithfulnessPlan
from idc.attribution.faithfulness.result import Faithfulness
from idc.attribution.methods import Method
from idc.attribution.pipeline.evidence import evidence_drawings
from idc.attribution.pipeline.explained_model import Subject
from idc.attribution.pipeline.faithfulness_step import (
    faithfulness_drawings,
    measure,
    save_faithfulness,
)
from idc.attribution.pipeline.features_step import show_features
from idc.attribution.pipeline.galleries import Cases, case_drawings, explain_cases
from idc.attribution.pipeline.options import configured_methods
from idc.attribution.pipeline.slides_step import show_slides
from idc.attribution.pipeline.step import StepResult, Task, Trust
from idc.attribution.select import Selection, choose_cases
from idc.config.build import Config
from idc.runtime.drawing import Drawing, draw_all
from idc.runtime.progress import progress_bar

log = logging.getLogger(__name__)
NO_POSITIONS = "The data have no positions on a slide, so there are no slide maps or regions."
SMALL = 100  # maps below which no progress bar is shown
DEFAULTS = {"count": 200, "methods": {}, "per_kind": 4, "seed": 0, "batch_size": 64}


@dataclass
class Explained:
    """Result of an explanation.

    Attributes:
        metrics: Named ``explain/...``.
        words: Conclusions by part: ``methods``, ``features`` and ``slides``.
        methods: One row per method, best first; see `Faithfulness.table`. Empty where it was
            not measured.
        failures: Part to the error that it ended with.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)
    methods: pd.DataFrame = field(default_factory=pd.DataFrame)

    failures: dict[str, Exception] = field(default_factory=dict)

    @property
    def sentences(self) -> list[str]:
        """The conclusions of all parts."""
        return [sentence for part in self.words.values() for sentence in part]


def explain_all(
    subject: Subject,
    options: Config,
    selection: Selection,
    pool: pd.DataFrame,
    folder: Path,
    trust: Trust | None = None,
) -> Explained:
    """Explain a network as configured.

    A part that fails is listed in `Explained.failures` and does not stop the others.

    Args:
        subject: The network and its patches.
        options: The configuration's ``explain``; an old run may lack parts.
        selection: Which patches.
        pool: The predictions to choose them from.
        folder: Folder for all files; docs/explanations.md lists them.
        trust: The trust in the methods from before; what is measured now comes first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    options = {**DEFAULTS, **options}
    configured = configured_methods(options)
    explained = Explained()
    drawings: list[Drawing] = []
    task = Task(subject, options, selection, pool, configured.methods, folder)
    trusted = trust or Trust()

    def measure_methods() -> None:
        nonlocal trusted
        if configured.plan is None or not len(subject.test):
            return
        faith = _measure(
            subject, configured.methods, configured.plan, options["batch_size"], trusted.deciding
        )
        save_faithfulness(faith, folder)
        drawings.extend(faithfulness_drawings(faith, configured.plan, folder))
        order = faith.table["method"].tolist()
        more = [name for name in trusted.order if name not in order]
        before = {name: trusted.marks[name] for name in more if name in trusted.marks}
        trusted = Trust([*order, *more], before | faith.marks, faith.references.deciding)
        explained.methods = faith.table
        explained.words["methods"] = faith.sentences()
        explained.metrics.update({f"explain/{k}": v for k, v in faith.metrics.items()})

    def show_cases() -> None:
        if configured.methods:
            cases = _cases(subject, options, selection, pool, configured.methods)
            if len(cases.table):
                cases.save(folder)
                drawings.extend(case_drawings(cases, subject, trusted, folder))
                drawings.extend(evidence_drawings(task, cases, trusted))

    def show(name: str, part: Callable[[], StepResult]) -> None:
        result = part()
        drawings.extend(result.drawings)
        explained.words[name] = result.sentences
        explained.metrics.update({f"explain/{k}": v for k, v in result.metrics.items()})

    def draw() -> None:
        with progress_bar(len(drawings), "drawing", SMALL) as advance:
            draw_all(drawings, advance=advance)

    parts: dict[str, Callable[[], None]] = {
        "faithfulness": measure_methods,
        "attributions": show_cases,
        "features": lambda: show("features", lambda: show_features(task)),
        "slides": lambda: show("slides", lambda: show_slides(task, trusted)),
        "figures": draw,
    }
    if not subject.has_positions:
        del parts["slides"]
        if options.get("slides"):
            explained.words["slides"] = [NO_POSITIONS]
    for name, work in parts.items():
        try:
            with _timed(name):
                work()
        except Exception as error:  # a failed part must not cost the others, nor the training
            log.exception("explain: %s failed", name)
            explained.failures[name] = error
    return explained


def _measure(
    subject: Subject,
    methods: Mapping[str, Method],
    plan: FaithfulnessPlan,
    batch_size: int,
    before: Sequence[str],
) -> Faithfulness:
    patches = min(plan.patches, len(subject.test))
    total = work_steps(subject.network, patches, len(methods), plan)
    with progress_bar(total, "faithfulness", SMALL) as advance:
        return measure(subject, methods, plan, batch_size, advance, before)


def _cases(
    subject: Subject,
    options: Config,
    selection: Selection,
    pool: pd.DataFrame,
    methods: Mapping[str, Any],
) -> Cases:
    per_kind, most, seed = options["per_kind"], options["count"], options["seed"]
    table = choose_cases(pool, selection, per_kind, most, seed, subject.classes)
    with progress_bar(len(table) * len(methods), "attributions", SMALL) as advance:
        return explain_cases(subject, table, methods, options["batch_size"], advance)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    if (seconds := time.perf_counter() - start) > 1:
        log.info("explain: %s took %.0f s", what, seconds)
