"""Learned features: filters, feature maps, exciting patches, and the embedding of patches."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from idc.attribution.features.embedding import neighbour_metrics, project
from idc.attribution.features.exciting import Unit, exciting_patches
from idc.attribution.features.maps import feature_layers, feature_maps, first_filters
from idc.attribution.features.outputs import balanced_sample, embeddings
from idc.attribution.layers import MapLayer
from idc.attribution.pipeline.explained_model import Subject
from idc.attribution.pipeline.step import StepResult, Task
from idc.attribution.select import NAMED, Selection, case_words, choose_cases, kind_words
from idc.plots.embedding_scatter import embedding_figure
from idc.plots.first_layer import first_layer_figure
from idc.plots.layer_features import (
    UnitRow,
    feature_maps_figure,
    filters_figure,
    top_patches_figure,
)
from idc.runtime.drawing import Drawing

PLACES = 4  # rows and columns of a map that separates places
FIRST = 16  # filters of the first convolution, beside their maps
SEARCHED = 20_000  # patches that are searched for those that excite a unit


def show_features(task: Task) -> StepResult:
    """Embeddings of the test split, and what single layers and units respond to."""
    result = StepResult()
    if not len(task.subject.test):
        return result
    if task.selection.what not in NAMED and task.node("embedding")["method"] != "none":
        _embed(task, result)
    options = task.node("features")
    if options["patches"]:
        image = torch.zeros(1, 3, *task.subject.patches.shape[1:3], device=task.subject.device)
        layers = feature_layers(task.subject.network, image, options["layers"])
        name, weights = first_filters(task.subject.network)
        filters = {"name": name, "weights": weights}
        result.drawings.append(Drawing(task.folder / "filters.png", filters_figure, filters))
        result.drawings += _first_layer(
            task, feature_layers(task.subject.network, image, [name]), weights
        )
        result.drawings += _maps(task, layers)
        if options["units"]:
            fine = [layer for layer in layers if min(layer.height, layer.width) >= PLACES]
            result.drawings.append(_units(task, (fine or layers)[-1]))
    return result


def _embed(task: Task, result: StepResult) -> None:
    options, subject = task.node("embedding"), task.subject
    test, seed = subject.test, task.options["seed"]
    rows = balanced_sample(
        len(test), options["points"], seed, test["patient"].to_numpy(), test["label"].to_numpy()
    )
    of = f", {len(rows):,} of {len(test):,}, evenly from the patients"
    of = of if len(rows) < len(test) else ""
    test = test.iloc[rows].reset_index(drop=True)
    row, device = test["row"].to_numpy(), subject.device
    features = embeddings(subject.network, subject.patches, row, device=device)
    labels, patients = test["label"].to_numpy(), test["patient"].to_numpy(object)
    neighbours = neighbour_metrics(features, labels, patients)
    result.metrics |= neighbours
    result.sentences += _neighbour_words(neighbours)
    projection = project(features, options["method"], seed)
    table = test[["path", "patient", "label", "score"]].assign(
        first=projection.points[:, 0], second=projection.points[:, 1]
    )
    table.to_csv(task.folder / "embedding.csv", index=False, float_format="%.6g")
    arguments = {
        "points": projection.points,
        "labels": labels,
        "patients": patients,
        "scores": test["score"].to_numpy() if subject.classes == 2 else None,
        "class_names": subject.class_names,
        "threshold": subject.threshold,
        "axis_names": projection.axes,
        "title": f"The test patches as the network orders them{of}",
        "note": projection.words,
    }
    result.drawings.append(Drawing(task.folder / "embedding.png", embedding_figure, arguments))


def _neighbour_words(metrics: dict[str, float]) -> list[str]:
    name = "neighbours_same_label_other_patients"
    if name not in metrics:
        return []
    same, chance = metrics["neighbours_same_patient"], metrics["neighbours_same_patient_chance"]
    return [
        f"In the network's features, {metrics[name]:.0%} of a patch's ten nearest patches of other "
        f"patients share its label (chance: {metrics[f'{name}_chance']:.0%}), and {same:.0%} of "
        f"its ten nearest patches are of its own patient (chance: {chance:.0%})."
    ]


def _first_layer(
    task: Task, layers: list[MapLayer], weights: NDArray[np.float32]
) -> Iterator[Drawing]:
    """The first convolution's filters and maps of one patch that was called correctly."""
    subject = task.subject
    kinds = choose_cases(task.pool, Selection(), 1, None, task.options["seed"], subject.classes)
    correct = kinds[kinds["kind"].isin(["TP", "TN"]) | kinds["kind"].str.endswith("right")]
    # The positive class, or the last of several, comes first.
    for case in correct.sort_values("label", ascending=False).head(1).to_dict("records"):
        cases = correct[correct["row"] == case["row"]]
        (row,) = feature_maps(subject.network, subject.pixels(cases), layers, FIRST, subject.device)
        arguments = {
            "patch": subject.patches[case["row"]],
            "weights": weights,
            "row": replace(row, maps=row.maps[0]),
            "header": _header(case, subject),
        }
        yield Drawing(task.folder / "first_layer.png", first_layer_figure, arguments)


def _header(case: Mapping[Any, Any], subject: Subject) -> str:
    names = subject.class_names
    return f"{kind_words(case['kind'], names)}\n{case_words(case, names)}"


def _maps(task: Task, layers: list[MapLayer]) -> Iterator[Drawing]:
    options, subject = task.node("features"), task.subject
    count, seed = options["patches"], task.options["seed"]
    # One of each kind in turn, so that few patches show several kinds.
    kinds = choose_cases(task.pool, Selection(), count, None, seed, subject.classes)
    turn = kinds.groupby("kind", sort=False).cumcount()
    cases = kinds.iloc[np.argsort(turn.to_numpy(), kind="stable")[:count]]
    layer_maps = feature_maps(
        subject.network, subject.pixels(cases), layers, options["channels"], subject.device
    )
    for number, case in enumerate(cases.to_dict("records")):
        arguments = {
            "patch": subject.patches[case["row"]],
            "rows": [replace(layer, maps=layer.maps[number]) for layer in layer_maps],
            "header": _header(case, subject),
            "title": "Feature maps: what each layer makes of the patch",
            "note": "Of each layer, the channels that vary most over the chosen patches.",
        }
        path = task.folder / f"feature_maps_{number + 1}.png"
        yield Drawing(path, feature_maps_figure, arguments)


def _units(task: Task, layer: MapLayer) -> Drawing:
    subject, test = task.subject, task.subject.test
    if len(test) > SEARCHED:
        test = test.iloc[balanced_sample(len(test), SEARCHED, task.options["seed"])]
    count = task.node("features")["units"]
    units = exciting_patches(
        subject.network, subject.patches, test, layer, count, device=subject.device
    )
    by_row = test.set_index("row")
    arguments = {
        "units": [_unit(unit, by_row, subject) for unit in units],
        "title": f"Test patches that most excite single channels of {layer.short}",
        "note": f"Of {len(test):,} test patches, at most two per patient; map "
        f"{layer.height}x{layer.width}. AUROC: how well the channel alone tells the classes apart "
        "on these patches, by which it was chosen.",
    }
    return Drawing(task.folder / "exciting.png", top_patches_figure, arguments)


def _unit(unit: Unit, by_row: pd.DataFrame, subject: Subject) -> UnitRow:
    rows = by_row.loc[unit.rows]
    area = "" if unit.auroc is None else f"\nAUROC {unit.auroc:.2f}"
    captions = [
        f"{row['patient']}\n{subject.class_names[row['label']]}, score {row['score']:.2f}"
        for row in rows.to_dict("records")
    ]
    pixels = np.asarray(subject.patches[unit.rows])
    return UnitRow(f"channel {unit.channel}{area}", pixels, unit.maps, captions)
