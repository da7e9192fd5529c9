"""Images with several labels, from a table to a finished run that is evaluated again."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from conftest import TINY, Cli
from idc.metrics.definitions import METRIC_NAMES
from idc.tracking.integrity import CLASSES_TAG

OPTIONS = (
    *(option for option in TINY if not option.startswith("data.")),
    *("data=table", "data.table=t.csv", "data.labels_joined_by='|'", "data.no_label=healthy"),
    *("data.patch_size=16", "audit=keep", "trainer.max_epochs=2", "monitor.metric=val/auroc"),
)


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """9 patients with 12 grey films each; ``mass`` is a bright spot, ``fluid`` a bright half."""
    root, rng = tmp_path / "films", np.random.default_rng(0)
    root.mkdir()
    rows = []
    for patient in range(9):
        for number in range(12):
            image = rng.integers(60, 120, (16, 16), np.uint8)
            names = [name for name in ("mass", "fluid") if rng.random() < 0.4]
            if "mass" in names:
                image[4:8, 4:8] = 250
            if "fluid" in names:
                image[8:] = 200
            if patient == 0 and number == 0:
                names.append("rare")
            name = f"{patient}_{number}.png"
            cv2.imwrite(str(root / name), image)
            rows.append((name, "|".join(names) or "healthy", f"p{patient}"))
    pd.DataFrame(rows, columns=["path", "label", "patient"]).to_csv(root / "t.csv", index=False)
    return root


def test_a_run_has_a_decision_of_its_own_on_each_label(
    films: Path, cli: Cli, app: Callable[[str], Cli]
) -> None:
    more = ("loss.class_weights=balanced", "loader.sampler=balanced", "augment.mixup=0.2")
    result = cli(*OPTIONS, f"data.root={films}", *more)
    assert result.code == 0, result.err
    (run,) = result.runs()
    metrics = result.metrics(run)
    assert run.data.tags["data.task"] == "multi-label"
    assert json.loads(run.data.tags[CLASSES_TAG]) == ["fluid", "mass", "rare"]
    (folder,) = (path.parent for path in (result.root / "runs").rglob("evaluation/per_label.csv"))
    table = pd.read_csv(folder / "per_label.csv").set_index("label")
    predictions = pd.read_parquet(folder / "predictions.parquet")
    test = predictions[predictions["split"] == "test"]
    with_both = table.index[(table["positives"] > 0) & (table["positives"] < len(test))]
    assert set(with_both) >= {"fluid", "mass"}
    for name in METRIC_NAMES:
        assert metrics[f"test/{name}"] == pytest.approx(table.loc[with_both, name].mean(), abs=1e-4)
    assert metrics["test/label/mass/auroc"] == pytest.approx(table.loc["mass", "auroc"], abs=1e-4)
    assert metrics["test/auroc_ci_low"] <= metrics["test/auroc"] <= metrics["test/auroc_ci_high"]
    assert not table.loc["rare", "own_threshold"]
    for i, name in enumerate(table.index):
        has = test["labels"].str.split("|").map(lambda names, name=name: name in names)
        assert (test[f"label_{i}"] == has).all()
        called = test[f"score_{i}"] >= table.loc[name, "threshold"]
        assert (test[f"predicted_{i}"] == called).mean() > 0.99  # the table is rounded
    assert (test["label"] == (test["labels"] != "")).all()
    assert metrics["baseline/colour_statistics/auroc"] > 0

    again = app("evaluate")(f"run={run.info.run_id}", "explain=none", "report=false", "device=cpu")
    assert again.code == 0, again.err
    evaluated = again.metrics(next(r for r in again.runs() if r.info.run_id != run.info.run_id))
    assert {name: evaluated[f"test/{name}"] for name in METRIC_NAMES} == pytest.approx(
        {name: metrics[f"test/{name}"] for name in METRIC_NAMES}, abs=1e-6
    )


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("calibration=platt", "images with several labels"),
        ("postprocess=mean", "no positions|several labels each"),
        ("head.outputs=1", "several labels per image"),
    ],
)
def test_what_several_labels_cannot_have_is_refused(
    films: Path, cli: Cli, option: str, words: str
) -> None:
    result = cli(*OPTIONS, f"data.root={films}", option)
    assert result.code == 1
    assert pd.Series(result.err).str.contains(words).all(), result.err


def test_corrections_of_one_label_are_refused(films: Path, cli: Cli) -> None:
    file = films.parent / "corrections.csv"
    file.write_text("path,label_before,action,label_after\n1_0.png,0,relabel,1\n")
    result = cli(*OPTIONS, f"data.root={films}", f"data.corrections={file}")
    assert result.code == 1
    assert "several labels each" in result.err
