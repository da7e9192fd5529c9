"""Learned features: filters, feature maps, exciting patches, and the embedding of patches."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch

from idc.attribution.features.embedding import embeddings
from idc.attribution.features.exciting import Unit, exciting_patches
from idc.attribution.features.layers import feature_layers, first_filters
from idc.attribution.features.maps import feature_maps
from idc.attribution.features.neighbours import neighbour_metrics
from idc.attribution.features.projection import project
from idc.attribution.features.sample import balanced_sample
from idc.attribution.features.stream import in_batches
from idc.attribution.layers import MapLayer
from idc.attribution.pipeline.explained_model import Subject
from idc.attribution.pipeline.step import StepResult, Task
from idc.attribution.select import NAMED, Selection, choose_cases
from idc.data.index import position_words
from idc.plots.convolution_filters import filters_figure
from idc.plots.embedding_scatter import embedding_figure
from idc.plots.feature_maps import MapRow, feature_maps_figure
from idc.plots.top_patches import UnitRow, top_patches_figure
from idc.runtime.drawing import Drawing

BATCH = 256
PLACES = 4  # rows and columns of a map that separates places
SEARCHED = 20_000  # patches that are searched for those that excite a unit


def show_features(task: Task) -> StepResult:
    """Embeddings of the test split, and what single layers and units respond to."""
    result = StepResult()
    if not len(task.subject.test):
        return result
    if task.selection.what not in NAMED and task.node("embedding").get("method", "none") != "none":
        _embed(task, result)
    options = task.node("features")
    if options.get("patches"):
        image = torch.zeros(1, 3, *task.subject.patches.shape[1:3], device=task.subject.device)
        layers = feature_layers(task.subject.network, image, options["layers"])
        result.drawings += _filters(task)
        result.drawings += _maps(task, layers)
        if options.get("units"):
            result.drawings.append(_units(task, _last_with_places(layers)))
    return result


def _embed(task: Task, result: StepResult) -> None:
    options, subject = task.node("embedding"), task.subject
    test, seed = subject.test, task.options["seed"]
    rows = balanced_sample(
        len(test), options["points"], seed, test["patient"].to_numpy(), test["label"].to_numpy()
    )
    test = test.iloc[rows].reset_index(drop=True)
    features = embeddings(
        subject.network, subject.patches, test["row"].to_numpy(), BATCH, subject.device
    )
    labels, patients = test["label"].to_numpy(), test["patient"].to_numpy(object)
    neighbours = neighbour_metrics(features, labels, patients, seed=seed)
    result.metrics |= neighbours
    result.sentences += _neighbour_words(neighbours)
    projection = project(features, options["method"], seed, options["points"], labels, patients)
    used = test.iloc[projection.rows]
    table = used[["path", "patient", "label", "score"]].assign(
        first=projection.points[:, 0], second=projection.points[:, 1]
    )
    table.to_csv(task.folder / "embedding.csv", index=False, float_format="%.6g")
    arguments = {
        "points": projection.points,
        "labels": used["label"].to_numpy(),
        "patients": used["patient"].to_numpy(object),
        "scores": used["score"].to_numpy() if subject.classes == 2 else None,
        "class_names": subject.class_names,
        "threshold": subject.threshold,
        "axis_names": projection.axes,
        "title": "The test patches as the network orders them",
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


def _filters(task: Task) -> Iterator[Drawing]:
    filters = first_filters(task.subject.network)
    arguments = {"weights": filters.weights, "name": filters.name}
    yield Drawing(task.folder / "filters.png", filters_figure, arguments)


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
    for number, (pixels, case) in enumerate(
        zip(subject.pixels(cases), cases.to_dict("records"), strict=True)
    ):
        rows = [
            MapRow(
                one.layer.short,
                one.layer.channels,
                one.chosen,
                one.maps[number],
                one.low,
                one.high,
            )
            for one in layer_maps
        ]
        place = position_words(case)
        arguments = {
            "patch": pixels,
            "rows": rows,
            "header": f"{case['kind']}, patient {case['patient']}\n{place}{place and chr(10)}"
            f"label {case['label']}, score {case['score']:.3f}",
            "title": "Feature maps: what each layer makes of the patch",
            "note": "Of each layer, the channels that vary most over the chosen patches.",
        }
        path = task.folder / f"feature_maps_{number + 1}.png"
        yield Drawing(path, feature_maps_figure, arguments)


def _units(task: Task, layer: MapLayer) -> Drawing:
    options, subject = task.node("features"), task.subject
    test = subject.test
    if len(test) > SEARCHED:
        test = test.iloc[balanced_sample(len(test), SEARCHED, task.options["seed"])]
    rows = np.sort(test["row"].to_numpy())
    labels = subject.index["label"].to_numpy(np.int64)
    exciting = exciting_patches(
        subject.network,
        in_batches(subject.patches, labels, rows, BATCH),
        layer,
        options["units"],
        device=subject.device,
        patients=subject.index["patient"].to_numpy(object),
    )
    by_row = test.set_index("row")
    title = f"Test patches that most excite single channels of {layer.short}"
    arguments = {
        "units": [_unit(unit, by_row, subject) for unit in exciting.units],
        "title": title,
        "note": f"Of {exciting.seen:,} test patches, at most two a patient; map "
        f"{layer.height}x{layer.width}. AUROC: how well the channel alone tells the labels apart "
        "on these patches, by which it was chosen.",
    }
    return Drawing(task.folder / "exciting.png", top_patches_figure, arguments)


def _last_with_places(layers: list[MapLayer]) -> MapLayer:
    """The deepest layer whose map still separates places."""
    fine = [layer for layer in layers if min(layer.height, layer.width) >= PLACES]
    return fine[-1] if fine else layers[-1]


def _unit(unit: Unit, by_row: pd.DataFrame, subject: Subject) -> UnitRow:
    rows = by_row.loc[unit.rows]
    area = "" if unit.auroc is None else f"\nAUROC {unit.auroc:.2f}"
    captions = [
        f"{row['patient']}\nlabel {row['label']}  score {row['score']:.2f}"
        for row in rows.to_dict("records")
    ]
    pixels = np.asarray(subject.patches[unit.rows])
    return UnitRow(f"channel {unit.channel}{area}", pixels, unit.maps, captions)
