"""The faithfulness of a run's attributions, measured on test patches called positive."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from idc.attribution.faithfulness.measure import measure_faithfulness, work_steps
from idc.attribution.faithfulness.plan import FaithfulnessPlan
from idc.attribution.faithfulness.result import Faithfulness
from idc.attribution.pipeline.step import VERDICTS, StepResult, Task, Trust
from idc.config.build import build
from idc.plots.faithfulness import measures_figure, methods_figure
from idc.plots.faithfulness_curves import curves_figure, randomisation_figure
from idc.runtime.atomic import replacing, write_text
from idc.runtime.drawing import Drawing
from idc.runtime.progress import progress_bar

log = logging.getLogger(__name__)
SMALL = 100  # steps below which no progress bar is shown


def show_faithfulness(task: Task) -> StepResult:
    """Measure the methods whose verdict the run does not hold yet, on a sample of test patches."""
    subject, node = task.subject, task.node("faithfulness")
    plan: FaithfulnessPlan = build(node, "explain.faithfulness")
    target = {"target": task.options["target"]} if task.options.get("target") else {}
    settings = {
        name: {"method": options, "faithfulness": node, **target}
        for name, options in task.options["methods"].items()
    }
    held = [name for name in settings if task.trust.settings.get(name) == settings[name]]
    methods = {name: method for name, method in task.methods.items() if name not in held}
    if not plan.patches or not len(subject.test):
        return StepResult()
    if held:
        log.info("explain: faithfulness of %s: as measured before", ", ".join(held))
    if not methods:
        return StepResult()
    sample = sample_calls(subject.test, plan.patches, plan.seed, subject.classes)
    total = work_steps(subject.network, len(sample), len(methods), plan)
    with progress_bar(total, "faithfulness", SMALL) as advance:
        faithfulness = measure_faithfulness(
            subject.network,
            subject.pixels(sample),
            subject.targets(sample),
            sample["patient"].to_numpy(object),
            methods,
            plan,
            task.options["batch_size"],
            subject.device,
            subject.truth(sample["row"].to_numpy()) if subject.truth else None,
            advance,
            task.trust.deciding,
        )
    settings = {name: settings[name] for name in methods}
    save_faithfulness(faithfulness, settings, task.folder)
    table, sentences = faithfulness.table, faithfulness.sentences()
    deciding = faithfulness.references.deciding
    trust = Trust(table["method"].tolist(), faithfulness.marks, deciding, settings)
    drawings, trust = _drawings(faithfulness, task.folder), trust.followed_by(task.trust)
    return StepResult(drawings, sentences, faithfulness.metrics, table, trust)


def sample_calls(test: pd.DataFrame, count: int, seed: int, classes: int) -> pd.DataFrame:
    """Sample `count` test patches, or all, on which faithfulness is measured.

    A map for a patch without evidence cannot be checked by taking evidence away: so patches called
    positive, as evenly from the patients as possible, or those with the highest scores where too
    few were called. With more than two classes, any patches.
    """
    pool = test[test["predicted"] == 1] if classes == 2 else test
    if classes == 2 and len(pool) < count:
        pool = test.sort_values("score", ascending=False, kind="stable").head(count)
    shuffled = pool.iloc[np.random.default_rng(seed).permutation(len(pool))]
    turn = shuffled.groupby("patient", sort=False).cumcount()
    order = np.argsort(turn.to_numpy(), kind="stable")[:count]
    return shuffled.iloc[np.sort(order)].reset_index(drop=True)


def save_faithfulness(
    faithfulness: Faithfulness, settings: Mapping[str, Mapping[str, Any]], folder: Path
) -> None:
    """Write ``methods.csv``, ``curves.csv``, ``weights_check.csv`` and ``verdicts.json``."""
    tables = {
        "methods": faithfulness.table,
        "per_patch": faithfulness.per_patch,
        "curves": faithfulness.curves,
        "weights_check": faithfulness.randomisation,
    }
    for name, table in tables.items():
        with replacing(folder / f"{name}.csv") as path:
            table.to_csv(path, index=False, float_format="%.6g")
    methods, references = faithfulness.table["method"], faithfulness.references
    content = {
        "order": methods.tolist(),
        "marks": faithfulness.marks,
        "references": {"deciding": references.deciding, "left": references.left},
        "reasons": dict(zip(methods, faithfulness.table["reasons"], strict=True)),
        "sentences": faithfulness.sentences(),
        "settings": settings,
    }
    write_text(folder / VERDICTS, json.dumps(content, indent=2) + "\n")


def _drawings(faithfulness: Faithfulness, folder: Path) -> list[Drawing]:
    """The comparison of the methods, and what it rests on."""
    table, limit = {"table": faithfulness.table}, {"limit": faithfulness.plan.max_similarity}
    curves, checked = faithfulness.curves, {"randomisation": faithfulness.randomisation}
    return [
        Drawing(folder / "methods.png", methods_figure, table),
        Drawing(folder / "measures.png", measures_figure, table | limit),
        Drawing(folder / "curves.png", curves_figure, {"curves": curves} | table),
        Drawing(folder / "weights_check.png", randomisation_figure, checked | limit),
    ]
