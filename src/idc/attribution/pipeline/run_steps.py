"""All that is explained of a run, in order: trust in the methods first, as every map needs it."""

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
from idc.attribution.pipeline.features_step import show_learnt
from idc.attribution.pipeline.galleries import Cases, case_drawings, explain_cases
from idc.attribution.pipeline.options import wanted
from idc.attribution.pipeline.slides_step import show_slides
from idc.attribution.pipeline.smoothing_step import show_smoothing
from idc.attribution.pipeline.step import Shown, Task, Trust
from idc.attribution.select import Selection, choose_cases
from idc.config.build import Config
from idc.runtime.drawing import Drawing, draw_all
from idc.runtime.progress import progress_bar

log = logging.getLogger(__name__)
SMALL = 100  # maps that are made before anybody looks
DEFAULTS = {"count": 200, "methods": {}, "per_kind": 4, "seed": 0, "batch_size": 64}


@dataclass
class Explained:
    """What was found.

    Attributes:
        metrics: Named ``explain/...``.
        words: What to make of it: sentences by part, which are ``methods``, ``features``,
            ``slides`` and ``smoothing``.
        methods: A row a method, best first; see `Faithfulness.table`. Empty where it was not
            measured.
        failures: Part to what went wrong with it.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)
    methods: pd.DataFrame = field(default_factory=pd.DataFrame)

    failures: dict[str, Exception] = field(default_factory=dict)

    @property
    def sentences(self) -> list[str]:
        """All that is to be said."""
        return [sentence for part in self.words.values() for sentence in part]


def explain_all(
    subject: Subject,
    asked: Config,
    selection: Selection,
    pool: pd.DataFrame,
    folder: Path,
    trust: Trust | None = None,
) -> Explained:
    """Explain a network, as far as it is asked for.

    A part that fails is told of in `Explained.failures` and leaves the others alone.

    Args:
        subject: The network and its patches.
        asked: The configuration's ``explain``; that of an old run may lack parts.
        selection: Which patches.
        pool: The predictions to choose them from.
        folder: Where everything goes; see the README for what there is.
        trust: What is known of the methods from before; what is measured now comes first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    asked = {**DEFAULTS, **asked}
    want = wanted(asked)
    found = Explained()
    drawings: list[Drawing] = []
    task = Task(subject, asked, selection, pool, want.methods, folder)
    known = trust or Trust()

    def explain_methods() -> None:
        nonlocal known
        if want.plan is None or not len(subject.test):
            return
        faith = _measure(subject, want.methods, want.plan, asked["batch_size"], known.deciding)
        save_faithfulness(faith, folder)
        drawings.extend(faithfulness_drawings(faith, want.plan, folder))
        order = faith.table["method"].tolist()
        more = [name for name in known.order if name not in order]
        before = {name: known.marks[name] for name in more if name in known.marks}
        known = Trust([*order, *more], before | faith.marks, faith.references.deciding)
        found.methods = faith.table
        found.words["methods"] = faith.sentences()
        found.metrics.update({f"explain/{k}": v for k, v in faith.metrics.items()})

    def show_cases() -> None:
        if want.methods:
            cases = _cases(subject, asked, selection, pool, want.methods)
            if len(cases.table):
                cases.save(folder)
                drawings.extend(case_drawings(cases, subject, known, folder))
                drawings.extend(evidence_drawings(task, cases, known))

    def show(name: str, part: Callable[[], Shown]) -> None:
        shown = part()
        drawings.extend(shown.drawings)
        found.words[name] = shown.sentences
        found.metrics.update({f"explain/{k}": v for k, v in shown.metrics.items()})

    def draw() -> None:
        with progress_bar(len(drawings), "drawing", SMALL) as advance:
            draw_all(drawings, advance=advance)

    parts: dict[str, Callable[[], None]] = {
        "faithfulness": explain_methods,
        "attributions": show_cases,
        "features": lambda: show("features", lambda: show_learnt(task)),
        "slides": lambda: show("slides", lambda: show_slides(task, known)),
        "smoothing": lambda: show("smoothing", lambda: show_smoothing(task)),
        "figures": draw,
    }
    for name, work in parts.items():
        try:
            with _timed(name):
                work()
        except Exception as error:  # no map is worth the rest, least of all hours of training
            log.exception("explain: %s failed", name)
            found.failures[name] = error
    return found


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
    asked: Config,
    selection: Selection,
    pool: pd.DataFrame,
    methods: Mapping[str, Any],
) -> Cases:
    per_kind, most, seed = asked["per_kind"], asked["count"], asked["seed"]
    table = choose_cases(pool, selection, per_kind, most, seed, subject.classes)
    with progress_bar(len(table) * len(methods), "attributions", SMALL) as advance:
        return explain_cases(subject, table, methods, asked["batch_size"], advance)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    if (seconds := time.perf_counter() - start) > 1:
        log.info("explain: %s took %.0f s", what, seconds)
