"""All parts of an explanation in order: first the trust in the methods, which every map needs."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pandas as pd

from idc.attribution.pipeline.explained_model import Subject
from idc.attribution.pipeline.faithfulness_step import SMALL, show_faithfulness
from idc.attribution.pipeline.features_step import show_features
from idc.attribution.pipeline.galleries import show_cases
from idc.attribution.pipeline.options import configured_methods
from idc.attribution.pipeline.slides_step import show_slides
from idc.attribution.pipeline.step import StepResult, Task, Trust
from idc.attribution.pipeline.target import aim
from idc.attribution.select import Selection
from idc.config.build import Config
from idc.runtime.drawing import Drawer
from idc.runtime.progress import progress_bar

log = logging.getLogger(__name__)
PARTS: dict[str, Callable[[Task], StepResult]] = {
    "faithfulness": show_faithfulness,
    "attributions": show_cases,
    "features": show_features,
    "slides": show_slides,
}
NO_POSITIONS = "The data have no positions on a slide, so there are no slide maps or regions."


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

    def attempt(self, name: str, work: Callable[[], StepResult]) -> StepResult:
        """Do a part of the work; its failure must not cost the others, nor the training."""
        start = time.perf_counter()
        try:
            return work()
        except Exception as error:
            log.exception("explain: %s failed", name)
            self.failures[name] = error
            return StepResult()
        finally:
            if (seconds := time.perf_counter() - start) > 1:
                log.info("explain: %s took %.0f s", name, seconds)


def explain_all(
    subject: Subject,
    options: Config,
    selection: Selection,
    pool: pd.DataFrame,
    folder: Path,
    trust: Trust | None = None,
) -> Explained:
    """Explain a network as configured.

    A part that fails is listed in `Explained.failures` and does not stop the others. Figures are
    drawn while the next part computes.

    Args:
        subject: The network and its patches.
        options: The configuration's ``explain``.
        selection: Which patches.
        pool: The predictions to choose them from.
        folder: Folder for all files; docs/explanations.md lists them.
        trust: The trust in the methods from before. Only methods that it does not hold, or holds
            with other options, are measured now.
    """
    subject, pool = aim(subject, pool, options.get("target"))
    folder.mkdir(parents=True, exist_ok=True)
    explained, drawer = Explained(), Drawer()
    trust = trust or Trust()
    measured = {name: settings["method"] for name, settings in trust.settings.items()}
    changed = [n for n, node in options["methods"].items() if measured.get(n, node) != node]
    methods = configured_methods(options)
    task = Task(subject, options, selection, pool, methods, folder, trust.without(changed))
    for name, part in PARTS.items():
        if name == "slides" and not subject.has_positions:
            explained.words["slides"] = [NO_POSITIONS]
            continue
        result = explained.attempt(name, partial(part, task))
        drawer.add(result.drawings)
        explained.metrics |= {f"explain/{key}": value for key, value in result.metrics.items()}
        if name == "faithfulness":
            explained.methods = result.methods
            task = replace(task, trust=result.trust or task.trust)
        explained.words["methods" if name == "faithfulness" else name] = result.sentences

    def draw() -> StepResult:
        with progress_bar(len(drawer), "drawing", SMALL) as advance:
            drawer.finish(advance)
        return StepResult()

    explained.attempt("figures", draw)
    return explained
