"""Three classes and no positions: a table of images goes through every app."""

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from conftest import TINY, Cli, Once, Result, copied_database, in_process

pytestmark = pytest.mark.slow
CLASSES = ("nevus", "melanoma", "keratosis")
QUICK = [o for o in TINY if not o.startswith(("data.", "explain", "report"))]
EXPLAINED = (
    *("explain=gradcam", "explain.per_kind=1", "explain.faithfulness.patches=4"),
    *("explain.features.patches=2", "explain.embedding.method=pca", "report=true"),
)


def write_images(root: Path) -> None:
    """Twelve patients with four images of each of three classes; the class is the colour."""
    rows = []
    for patient in range(12):
        rng = np.random.default_rng(patient)
        for label, name in enumerate(CLASSES):
            for number in range(4):
                path = f"images/{patient}_{name}_{number}.jpg"
                image = rng.integers(60, 160, (20 + 2 * number, 24, 3), dtype=np.uint8)
                image[:, :, label] = np.clip(image[:, :, label] + 80, 0, 255)
                (root / "images").mkdir(exist_ok=True)
                cv2.imwrite(str(root / path), image)
                rows.append((path, name, f"case{patient}"))
    pd.DataFrame(rows, columns=["path", "dx", "patient"]).to_csv(root / "lesions.csv", index=False)


@pytest.fixture(scope="module")
def trained(once: Once, empty_database: Path) -> Result:
    """A run on the table with everything that is explained; the root holds the images too."""

    def make(root: Path) -> None:
        (root / "data").mkdir()
        write_images(root / "data")
        options = ("data=table", "data.table=lesions.csv", "data.columns.label=dx")
        more = (f"data.root={root / 'data'}", "data.patch_size=24", "backbone=vanilla_cnn")
        quick = [o for o in QUICK if not o.startswith("backbone")]
        with copied_database(empty_database):
            result = in_process("train", root, *quick, *options, *more, *EXPLAINED)
        assert result.code == 0, result.err

    return Result(0, "", "", once("lesions", make))


@pytest.fixture
def ask(trained: Result, empty_database: Path) -> Iterator[object]:
    """Another app on the same root: `ask("evaluate", ...)`."""
    with copied_database(empty_database):
        yield lambda name, *arguments: in_process(name, trained.root, *arguments)


def run_of(trained: Result):
    (run,) = [r for r in trained.runs() if r.data.params.get("data.table") == "lesions.csv"][-1:]
    return run


def test_training_explains_all_that_needs_no_position(trained: Result) -> None:
    run = run_of(trained)
    assert json.loads(run.data.tags["data.class_names"]) == sorted(CLASSES)
    assert run.data.tags["data.patients"] == "known"
    folder = trained.folders[0]
    predictions = pd.read_parquet(folder / "evaluation" / "predictions.parquet")
    assert {"score_0", "score_1", "score_2"} <= set(predictions)
    assert not {"x", "y"} & set(predictions)
    assert not (folder / "explain" / "slides").exists()
    assert (folder / "explain" / "methods.csv").is_file()
    page = (folder / "evaluation" / "report.html").read_text("utf-8")
    assert page.count("no positions on a slide") == 1
    assert "IDC" not in (folder / "model_card.md").read_text("utf-8")
    metrics = trained.metrics(run)
    audit = {name.removeprefix("audit/") for name in metrics if name.startswith("audit/")}
    assert not audit & {"ink", "glass", "near_grey", "overlap"}
    slices = pd.read_csv(folder / "evaluation" / "slices.csv")
    assert not {"stain balance", "region", "border"} & set(slices["slice"])


def test_every_other_app_takes_it(trained: Result, ask: Cli, tmp_path: Path) -> None:
    before = run_of(trained)
    run, metrics = before.info.run_id, before.data.metrics
    assert 0 <= metrics["test/balanced_accuracy"] <= 1
    assert "val/threshold" not in metrics
    evaluated = ask("evaluate", f"run={run}", "explain=none", "intervals.draws=20")
    assert evaluated.code == 0, evaluated.err
    (evaluation,) = evaluated.runs("tags.`idc.kind` = 'evaluate'")
    assert evaluation.data.metrics["test/accuracy"] == pytest.approx(metrics["test/accuracy"])
    explained = ask("explain", f"run={run}", "explain=saliency", "explain.select=patient=case3")
    assert explained.code == 0, explained.err
    reviewed = ask("review", f"run={run}", "count=5", "order=uncertainty", "serve=false")
    assert reviewed.code == 0, reviewed.err
    compared = ask("compare", f"runs=[{run}]", "intervals.draws=20")
    assert compared.code == 0, compared.err


def test_prepare_shows_it_without_maps(trained: Result, ask: Cli) -> None:
    source = f"data.root={trained.root / 'data'}"
    options = ("data=table", "data.table=lesions.csv", "data.columns.label=dx", source)
    result = ask("prepare", *options, "tracking=none", "data.patch_size=24")
    assert result.code == 0, result.err
    index = pd.read_parquet(result.folders[-1] / "index.parquet")
    assert "x" not in index
    audit = set(pd.read_csv(result.folders[-1] / "audit.csv")["finding"])
    assert not audit & {"overlap", "ink"}
    page = (result.folders[-1] / "report" / "report.html").read_text("utf-8")
    assert "Slide maps" not in page
