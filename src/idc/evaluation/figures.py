"""All figures of a run, from its data, its training and its predictions."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from idc.data.datamodule import PatchDataModule
from idc.data.index import JOINT, LABELS, class_members, is_multi_label, position_words
from idc.data.material import Material
from idc.evaluation.evaluate import Evaluation
from idc.evaluation.predictions import labels_of, probabilities_of
from idc.evaluation.test_metrics import Numbers
from idc.metrics.selective_prediction import risk_coverage
from idc.metrics.statistics import occurs_with_both
from idc.models.history import History
from idc.plots.class_counts import balance_figure
from idc.plots.confusion import confusion_figure
from idc.plots.curves import pr_figure, risk_coverage_figure, roc_figure
from idc.plots.learning_curves import learning_figure
from idc.plots.patch_grids import (
    augmented_grid_figure,
    sample_grid_figure,
)
from idc.plots.patient_metrics import burden_figure, patients_by_class_figure, per_patient_figure
from idc.plots.score_curves import class_reliability_figure, reliability_figure, threshold_figure
from idc.plots.slice_errors import slices_figure
from idc.plots.style import literal

# Measures of uncertainty that several samples give, beside the score's own.
UNCERTAINTY = {"mutual_information": "disagreement of the samples"}
GRID = 10  # patches in a row of a grid
FEW = 5  # patches of a patient, below which its metrics are mostly 0 or 1


def caption(row: Mapping[Any, Any], score: bool = False) -> str:
    """Patient and position of a patch, with its score if `score`."""
    text = f"{row['patient']}\n{position_words(row)}".rstrip()
    return f"{text}\nscore {row['score']:.2f}" if score else text


def data_figures(
    material: Material, data: PatchDataModule, seed: int
) -> Iterator[tuple[str, Figure]]:
    """Class balance, sample patches and what augmentation makes of them."""
    yield "class_balance", balance_figure(material.counts)
    rng = np.random.default_rng(seed)
    train = material.rows("train")
    rows: dict[str, tuple[NDArray[np.uint8], list[str]]] = {}
    chosen: list[int] = []
    of_class = class_members(train, data.class_names).T
    for label, (name, members) in enumerate(zip(data.class_names, of_class, strict=True)):
        pool = train.index[members].to_numpy()
        some = np.sort(rng.choice(pool, min(2 * GRID, len(pool)), replace=False))
        captions = [caption(row) for row in material.index.loc[some].to_dict("records")]
        if len(some):
            rows[f"{name} (class {label})"] = (material.patches[some], captions)
        chosen += some[:3].tolist()
    yield "sample_patches", sample_grid_figure(rows, "Training patches, chosen at random")
    if data.augmentation is not None:
        originals = material.patches[chosen]
        draws = [data.augment(originals, key) for key in range(GRID - 1)]
        yield (
            "augmented_patches",
            augmented_grid_figure(
                originals, np.stack(draws, axis=1), "Augmentation: original, then draws"
            ),
        )


def learning_figures(history: History, monitor: str, mode: str) -> Iterator[tuple[str, Figure]]:
    """Learning curves with the best epoch."""
    table = history.table()
    stage, _, metric = monitor.partition("/")
    watched = table[(table["stage"] == stage) & (table["metric"] == metric)]
    best = None
    if len(watched):
        values = watched["value"].to_numpy()
        at = values.argmax() if mode == "max" else values.argmin()
        best = int(watched["epoch"].to_numpy()[at])
    yield "learning_curves", learning_figure(table, best_epoch=best, monitor=monitor)


def evaluation_figures(
    evaluation: Evaluation, class_names: Sequence[str]
) -> Iterator[tuple[str, Figure]]:
    """All figures of a test split, of the threshold's choice, and of the best and worst patches."""
    test = evaluation.split("test")
    threshold, decider = evaluation.threshold, evaluation.decider
    yield from numbers_figures(test, evaluation.numbers, threshold, class_names)
    val = evaluation.split("val")
    if threshold is not None and decider is not None and len(val):
        yield (
            "threshold_curve",
            threshold_figure(
                val["label"].to_numpy(),
                val["score"].to_numpy(),
                threshold,
                "Choosing the threshold, validation patches",
                decider.rule,
            ),
        )
    show = _best_and_worst_labels if is_multi_label(test) else _best_and_worst
    blocks = show(test, evaluation.material.patches, class_names)
    yield (
        "best_and_worst",
        sample_grid_figure(blocks, "Best and worst test predictions, by the score of the label"),
    )


def numbers_figures(
    test: pd.DataFrame, numbers: Numbers, threshold: float | None, class_names: Sequence[str]
) -> Iterator[tuple[str, Figure]]:
    """The figures that need the predictions of a test split alone.

    Args:
        test: Decided predictions.
        numbers: Their metrics and tables.
        threshold: The one threshold that made the decisions; None for k > 2 and pooled folds.
        class_names: One name per class.
    """
    if is_multi_label(test):
        yield from label_figures(test, numbers, class_names)
        return
    classes = len(class_names)
    labels = test["label"].to_numpy()
    chosen = confusion_matrix(labels, test["predicted"].to_numpy(), labels=range(classes))
    points = None if threshold is None else {"test": threshold}
    if classes == 2:
        scores = test["score"].to_numpy()
        name = "each fold's threshold" if threshold is None else f"threshold {threshold:.3f}"
        at_half = confusion_matrix(labels, (scores >= 0.5).astype(int), labels=range(classes))
        panels = {f"at {name}": chosen, "at 0.5": at_half}
        curves = {"test": (labels, scores)}
        yield "roc", roc_figure(curves, points, "ROC, test patches")
        yield "precision_recall", pr_figure(curves, points, "Precision-recall, test patches")
        raw = test["score_raw"].to_numpy()
        shown = {"after": scores} if np.allclose(raw, scores) else {"before": raw, "after": scores}
        yield "reliability", reliability_figure(labels, shown, title="Reliability, test patches")
    else:
        panels = {"most probable class": chosen}
        curves = {
            name: ((labels == i).astype(int), test[f"score_{i}"].to_numpy())
            for i, name in enumerate(class_names)
        }
        title = "ROC, each class against the rest, test" + _mean(numbers, "auroc")
        yield "roc", roc_figure(curves, None, title)
        title = "Precision-recall, each class, test" + _mean(numbers, "average_precision")
        yield "precision_recall", pr_figure(curves, None, title)
        raw, scores = (probabilities_of(test, classes, name) for name in ("score_raw", "score"))
        shown = {"after": scores} if np.allclose(raw, scores) else {"before": raw, "after": scores}
        yield (
            "reliability",
            reliability_figure(
                {name: (p.argmax(1) == labels).astype(int) for name, p in shown.items()},
                {name: p.max(1) for name, p in shown.items()},
                "Reliability of the most probable class, test patches",
                ("share called right", "probability of the most probable class"),
            ),
        )
        title = "Reliability of each class's score (patches), test"
        yield "reliability_per_class", class_reliability_figure(curves, title)
    yield "confusion_matrix", confusion_figure(panels, class_names)
    yield "per_patient", _patients_figure(test, numbers.per_patient, class_names)
    if classes == 2:
        summary = {k.removeprefix("test/"): v for k, v in numbers.metrics.items()}
        yield "burden", burden_figure(numbers.per_patient, summary, class_names[1])
    if len(numbers.slices) > 1:
        yield "slices", slices_figure(numbers.slices)
    sure_by = "distance from the threshold" if classes == 2 else "probability of the class called"
    curve = {sure_by: numbers.risk_coverage}
    for name, words in UNCERTAINTY.items():
        if name in test:
            sure = -test[name].to_numpy(np.float64)
            predicted = test["predicted"].to_numpy()
            curve[words] = risk_coverage(labels, predicted, sure, classes)
    yield "risk_coverage", risk_coverage_figure(curve)


def _mean(numbers: Numbers, name: str) -> str:
    """The mean of a metric over the classes, for a title."""
    value = numbers.metrics.get(f"test/{name}")
    return "" if value is None else f" (mean {value:.3f})"


def _patients_figure(
    test: pd.DataFrame, per_patient: pd.DataFrame, class_names: Sequence[str]
) -> Figure:
    if len(class_names) == 2 or per_patient["patches"].median() >= FEW:
        return per_patient_figure(per_patient)
    right = (test["label"] == test["predicted"]).groupby([test["label"], test["patient"]]).mean()
    labels, shares = right.index.get_level_values(0), np.asarray(right, np.float64)
    return patients_by_class_figure({n: shares[labels == i] for i, n in enumerate(class_names)})


def label_figures(
    test: pd.DataFrame, numbers: Numbers, class_names: Sequence[str]
) -> Iterator[tuple[str, Figure]]:
    """The same where an image may have several labels: each of them against its absence.

    Labels that all test images have, or none has, are left out.
    """
    k = len(class_names)
    labels, called = labels_of(test, k), labels_of(test, k, "predicted")
    scores, raw = (probabilities_of(test, k, name) for name in ("score", "score_raw"))
    shown = [(i, class_names[i]) for i in np.flatnonzero(occurs_with_both(labels)).tolist()]
    curves = {name: (labels[:, i], scores[:, i]) for i, name in shown}
    if curves:
        means = {name: _mean(numbers, name) for name in ("auroc", "average_precision")}
        title = "ROC of each label, test" + means["auroc"]
        yield "roc", roc_figure(curves, None, title)
        title = "Precision-recall of each label, test" + means["average_precision"]
        yield "precision_recall", pr_figure(curves, None, title)
        tables = {
            name: confusion_matrix(labels[:, i], called[:, i], labels=(0, 1)) for i, name in shown
        }
        yield "confusion_matrix", confusion_figure(tables, ("absent", "present"))
    every = {"after": scores.ravel()}
    if not np.allclose(raw, scores):
        every = {"before": raw.ravel(), **every}
    yield (
        "reliability",
        reliability_figure(labels.ravel(), every, title="Reliability, all labels of test images"),
    )
    if curves:
        title = "Reliability of each label's score (images), test"
        yield "reliability_per_class", class_reliability_figure(curves, title)
    yield "per_patient", per_patient_figure(numbers.per_patient)
    if len(numbers.slices) > 1:
        yield "slices", slices_figure(numbers.slices)
    curve = {"distance from each label's threshold": numbers.risk_coverage}
    yield "risk_coverage", risk_coverage_figure(curve)


def _best_and_worst_labels(
    test: pd.DataFrame, patches: NDArray[np.uint8], class_names: Sequence[str]
) -> Mapping[str, tuple[NDArray[np.uint8], list[str]]]:
    """The images with the lowest and the highest loss, with any label and without."""
    blocks = {}
    for label, of in enumerate(("no label", "any label")):
        ranked = test[test["label"] == label].sort_values("loss", kind="stable")
        for title, part in (
            (f"{of}: lowest loss", ranked.head(GRID)),
            (f"{of}: highest loss", ranked.iloc[::-1].head(GRID)),
        ):
            labels = part[LABELS].str.replace(JOINT, ", ", regex=False)
            captions = [
                f"{patient}\n{textwrap.shorten(names, 24)}".rstrip()
                for patient, names in zip(part["patient"], labels, strict=True)
            ]
            if len(part):
                blocks[title] = (patches[part["row"].to_numpy()], captions)
    return blocks


def _best_and_worst(
    test: pd.DataFrame, patches: NDArray[np.uint8], class_names: Sequence[str]
) -> Mapping[str, tuple[NDArray[np.uint8], list[str]]]:
    blocks = {}
    for label, name in enumerate(class_names):
        of_class = test[test["label"] == label].sort_values("loss", kind="stable")
        right = of_class[of_class["predicted"] == label].head(GRID)
        wrong = of_class[of_class["predicted"] != label].iloc[::-1].head(GRID)
        kind = {(2, 0): "false alarms", (2, 1): f"missed {class_names[-1]}"}.get(
            (len(class_names), label), "errors"
        )
        for title, part in (
            (f"{name}: most certain and right", right),
            (f"{name}: most certain and wrong ({kind})", wrong),
        ):
            captions = [caption(row, score=True) for row in part.to_dict("records")]
            if len(class_names) > 2 and part is wrong:
                called = [literal(str(class_names[i]), 20) for i in part["predicted"]]
                captions = [f"called {c}\n{t}" for c, t in zip(called, captions, strict=True)]
            blocks[title] = (patches[part["row"].to_numpy()], captions)
    return blocks
