"""The faithfulness of a run's attributions, measured on test patches called positive."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from idc.attribution.faithfulness.measure import measure_faithfulness
from idc.attribution.faithfulness.plan import FaithfulnessPlan
from idc.attribution.faithfulness.result import Faithfulness
from idc.attribution.methods import Method
from idc.attribution.pipeline.explained_model import Subject
from idc.plots.faithfulness import measures_figure, methods_figure
from idc.plots.faithfulness_curves import curves_figure, randomisation_figure
from idc.runtime.atomic import replacing, write_text
from idc.runtime.drawing import Drawing

VERDICTS = "verdicts.json"


def sample_calls(test: pd.DataFrame, count: int, seed: int, classes: int) -> pd.DataFrame:
    """Sample the test patches on which faithfulness is measured.

    A map for a patch without evidence cannot be checked by taking evidence away: so patches called
    positive, as evenly from the patients as possible, or those with the highest scores where too
    few were called. With more than two classes, any patches.

    Args:
        test: Decided predictions of the test split.
        count: Number of patches; fewer where there are fewer.
        seed: Decides which.
        classes: k.
    """
    pool = test
    if classes == 2 and int((test["predicted"] == 1).sum()) >= count:
        pool = test[test["predicted"] == 1]
    elif classes == 2:
        pool = test.sort_values("score", ascending=False, kind="stable").head(count)
    shuffled = pool.iloc[np.random.default_rng(seed).permutation(len(pool))]
    turn = shuffled.groupby("patient", sort=False).cumcount()
    order = np.argsort(turn.to_numpy(), kind="stable")[:count]
    return shuffled.iloc[np.sort(order)].reset_index(drop=True)


def measure(
    subject: Subject,
    methods: Mapping[str, Method],
    plan: FaithfulnessPlan,
    batch_size: int,
    advance: Callable[[int], None] | None = None,
    before: Sequence[str] = (),
) -> Faithfulness:
    """Measure every method on the same sample of test patches; see `sample_calls`.

    The other arguments are those of `idc.attribution.faithfulness.measure.measure_faithfulness`.
    """
    sample = sample_calls(subject.test, plan.patches, plan.seed, subject.classes)
    return measure_faithfulness(
        subject.network,
        subject.pixels(sample),
        subject.targets(sample),
        sample["patient"].to_numpy(object),
        methods,
        plan,
        batch_size,
        subject.device,
        subject.truth(sample["row"].to_numpy()) if subject.truth else None,
        advance,
        before,
    )


def save_faithfulness(faithfulness: Faithfulness, folder: Path) -> None:
    """Write ``methods.csv``, ``curves.csv``, ``weights_check.csv`` and ``verdicts.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "methods": faithfulness.table,
        "per_patch": faithfulness.per_patch,
        "curves": faithfulness.curves,
        "weights_check": faithfulness.randomisation,
    }
    for name, table in tables.items():
        with replacing(folder / f"{name}.csv") as path:
            table.to_csv(path, index=False, float_format="%.6g")
    content = {
        "order": faithfulness.table["method"].tolist(),
        "marks": faithfulness.marks,
        "references": {
            "deciding": faithfulness.references.deciding,
            "left": faithfulness.references.left,
        },
        "reasons": dict(
            zip(faithfulness.table["method"], faithfulness.table["reasons"], strict=True)
        ),
        "sentences": faithfulness.sentences(),
    }
    write_text(folder / VERDICTS, json.dumps(content, indent=2) + "\n")


def faithfulness_drawings(
    faithfulness: Faithfulness, plan: FaithfulnessPlan, folder: Path
) -> Iterator[Drawing]:
    """The comparison of the methods, and what it rests on."""
    yield Drawing(folder / "methods.png", methods_figure, {"table": faithfulness.table})
    yield Drawing(
        folder / "measures.png",
        measures_figure,
        {"table": faithfulness.table, "limit": plan.max_similarity},
    )
    yield Drawing(
        folder / "curves.png",
        curves_figure,
        {"curves": faithfulness.curves, "table": faithfulness.table},
    )
    yield Drawing(
        folder / "weights_check.png",
        randomisation_figure,
        {"randomisation": faithfulness.randomisation, "limit": plan.max_similarity},
    )
