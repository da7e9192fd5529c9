"""Runs explained in training and afterwards, through the real command lines."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import EXPLAINED, TINY, Cli, Result, copy_root
from idc.attribution.pipeline import faithfulness_step, features_step, galleries, slides_step

QUIET = tuple(o for o in TINY if o not in ("explain=none", "report=false"))
App = Callable[[str], Cli]


def artifacts(result: Result, run_id: str, place: str) -> set[str]:
    return {a.path.removeprefix(f"{place}/") for a in result.client.list_artifacts(run_id, place)}


def fetched(result: Result, run_id: str, name: str, folder: Path) -> Path:
    return Path(result.client.download_artifacts(run_id, name, str(folder)))


@pytest.mark.slow
def test_a_training_explains_itself_and_its_page_says_which_maps_to_trust(whole: Result) -> None:
    result = whole
    (run,) = result.runs()
    there = artifacts(result, run.info.run_id, "explain")
    wanted = {"cases.parquet", "attributions.npz", "methods.csv", "methods.png", "verdicts.json"}
    wanted |= {"curves.png", "weights_check.png", "embedding.png", "filters.png", "exciting.png"}
    wanted |= {"first_layer.png"}
    wanted |= {"feature_maps_1.png", "slides"}
    assert wanted <= there
    metrics = result.metrics(run)
    for name in ("insertion_auc", "deletion_auc", "infidelity", "max_sensitivity", "passes"):
        assert np.isfinite(metrics[f"explain/gradcam/{name}"])
    # The drawn set knows where its signal is.
    assert 0 <= metrics["explain/gradcam/localisation"] <= 1
    assert metrics["explain/regions_labelled"] >= metrics["explain/regions_missed"] >= 0
    slides = artifacts(result, run.info.run_id, "explain/slides")
    patients = {name.split(".")[0] for name in slides if name.endswith("_scores.geojson")}
    assert {f"{p.removesuffix('_scores')}.geojson" for p in patients} <= slides
    page = (result.folders[0] / "evaluation" / "report.html").read_text()
    for words in ("Attribution maps", "Where on the slide", "gain over random maps", "verdict"):
        assert words in page


@pytest.mark.slow
def test_a_run_is_explained_again_and_keeps_what_it_had(
    trained: Result, app: App, tmp_path: Path
) -> None:
    (run,) = trained.runs()
    run_id, before = run.info.run_id, trained.metrics(run)
    explain = app("explain")
    test = pd.read_parquet(trained.folders[0] / "evaluation" / "predictions.parquet")
    test = test[test["split"] == "test"]
    patient = str(test["patient"].iloc[0])

    few = ("explain=[gradcam,saliency]", "device=cpu")
    again = explain(f"run={run_id}", f"explain.select=patient={patient}", *few, "explain.count=5",
                    "explain.slides.tiff=true")  # fmt: skip
    assert again.code == 0, again.err
    place = f"explain/patient_{patient}"
    there = artifacts(again, run_id, place)
    assert {"cases.parquet", "attributions.npz", "slides"} <= there
    slides = artifacts(again, run_id, f"{place}/slides")
    assert {f"{patient}.png", f"{patient}.ome.tif", f"{patient}.geojson"} <= slides
    cases = pd.read_parquet(fetched(again, run_id, f"{place}/cases.parquet", tmp_path))
    assert (cases["patient"] == patient).all()
    assert len(cases) == 5
    with np.load(fetched(again, run_id, f"{place}/attributions.npz", tmp_path)) as arrays:
        assert arrays["gradcam"].shape == arrays["saliency"].shape == arrays["patches"].shape[:3]
    geojson = json.loads(
        fetched(again, run_id, f"{place}/slides/{patient}.geojson", tmp_path).read_text()
    )
    corners = np.array([p for f in geojson["features"] for p in _points(f["geometry"])])
    own = test[test["patient"] == patient]
    for axis, name in enumerate(("x", "y")):
        assert own[name].min() <= corners[:, axis].min()
        assert corners[:, axis].max() <= own[name].max() + 50

    own = f"hydra.run.dir={tmp_path / 'own'}"
    errors = explain(f"run={run_id}", "explain.select=errors", own, *few)
    assert errors.code == 0, errors.err
    mixed = explain(f"run={run_id}", "explain.select=all", own, *few)
    assert mixed.code == 1
    assert f"(explain, run {run_id}, finished)" in mixed.err
    (name,) = (p for p in ("errors",) if p in artifacts(errors, run_id, "explain"))
    wrong = pd.read_parquet(fetched(errors, run_id, f"explain/{name}/cases.parquet", tmp_path))
    assert len(wrong) == int((test["label"] != test["predicted"]).sum())
    assert (wrong["label"] != wrong["predicted"]).all()

    # A patch of the training split has no stored prediction: it is scored, and marked.
    split = pd.read_parquet(trained.folders[0] / "split.parquet")
    path = str(split.loc[split["split"] == "train", "path"].iloc[0])
    learnt = explain(f"run={run_id}", f"explain.select=files={path}", *few)
    assert learnt.code == 0, learnt.err
    one = pd.read_parquet(fetched(learnt, run_id, "explain/files/cases.parquet", tmp_path))
    assert one["path"].tolist() == [path]
    assert one["split"].tolist() == ["train"]
    assert "trained on" in learnt.err

    (after,) = learnt.runs()
    assert after.info.status == "FINISHED"
    assert learnt.metrics(after).items() >= before.items()


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str], int]]:
    """What is computed: the part, its methods, and the number of patches."""
    calls: list[tuple[str, list[str], int]] = []

    def count(module: ModuleType, name: str, methods: int | None, patches: int) -> None:
        work = getattr(module, name)

        def counted(*given: Any, **options: Any) -> Any:
            names = [] if methods is None else list(given[methods])
            calls.append((module.__name__.rpartition(".")[2], names, len(given[patches])))
            return work(*given, **options)

        monkeypatch.setattr(module, name, counted)

    count(faithfulness_step, "measure_faithfulness", 4, 1)
    count(galleries, "explain", 3, 1)
    count(slides_step, "explain", 3, 1)
    for name, patches in (("embeddings", 2), ("feature_maps", 1), ("exciting_patches", 2)):
        count(features_step, name, None, patches)
    return calls


def test_what_the_run_holds_is_not_computed_again(
    whole: Result, app: App, tmp_path: Path, ran: list[tuple[str, list[str], int]]
) -> None:
    result, explain = copy_root(whole.root, tmp_path), app("explain")
    (run,) = result.runs()
    test = pd.read_parquet(result.folders[0] / "evaluation" / "predictions.parquet")
    errors = int((test["label"] != test["predicted"])[test["split"] == "test"].sum())
    both = ["gradcam", "integrated_gradients"]
    command = (f"run={run.info.run_id}", "explain.select=errors", "explain.count=3", "device=cpu")
    again = explain(*command, EXPLAINED[1])
    assert again.code == 0, again.err
    assert ran == [("galleries", both, min(3, errors))]
    assert "verdicts.json" not in artifacts(again, run.info.run_id, "explain/errors")
    # Switched on, each part runs; of the methods those that the run has not measured.
    ran.clear()
    more = "explain=[default,saliency]"
    parts = explain(*command, "explain.parts=true", more, *EXPLAINED)
    assert parts.code == 0, parts.err
    measured, cases, *features, slide = ran
    assert measured == ("faithfulness_step", ["saliency"], 4)
    assert cases == ("galleries", [*both, "saliency"], min(3, errors))
    assert [name for name, *_ in features] == ["features_step"] * 4
    assert slide[0] == "slides_step"
    assert len(slide[1]) == 1
    # With other options it is another method, and not measured.
    ran.clear()
    other = explain(*command, "explain.methods.integrated_gradients.steps=3",
                    "explain.faithfulness.patches=4", *EXPLAINED[3:7])  # fmt: skip
    assert other.code == 0, other.err
    assert ran[0] == ("faithfulness_step", ["integrated_gradients"], 4)
    assert len(ran) == 2


def _points(geometry: dict[str, Any]) -> list[list[float]]:
    shapes = geometry["coordinates"]
    polygons = shapes if geometry["type"] == "MultiPolygon" else [shapes]
    return [point for polygon in polygons for ring in polygon for point in ring]


@pytest.mark.slow
def test_a_patient_that_is_not_there_leaves_the_run_as_it_was(trained: Result, app: App) -> None:
    (run,) = trained.runs()
    refused = app("explain")(
        f"run={run.info.run_id}", "device=cpu", "explain.select=patient=nobody"
    )
    assert refused.code == 1
    assert "nobody" in refused.err
    (after,) = refused.runs()
    assert after.data.to_dictionary() == run.data.to_dictionary()


@pytest.mark.slow
def test_with_pseudonyms_no_patient_is_named(
    cli: Cli, app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IDC_PSEUDONYM_KEY", "0123456789abcdef0123456789abcdef")
    hidden = "tracking.pseudonymise=true"
    trained = cli(
        *(o for o in TINY if o != "explain=none"), hidden, "explain=saliency",
        "explain.per_kind=1", "split.test_patients=[9002]",
        "explain.slides.patients=[9002]",
    )  # fmt: skip
    assert trained.code == 0, trained.err
    (run,) = trained.runs()
    slides = artifacts(trained, run.info.run_id, "explain/slides")
    assert any(name.endswith(".png") for name in slides)
    explain = app("explain")
    again = explain(
        f"run={run.info.run_id}", hidden, "explain.select=patient=9002", "device=cpu",
        "explain=saliency",
    )  # fmt: skip
    assert again.code == 0, again.err
    (run,) = again.runs()
    place = tmp_path / "fetched"
    place.mkdir()
    folder = Path(trained.client.download_artifacts(run.info.run_id, "", str(place)))
    texts = [str(p.relative_to(folder)) for p in folder.rglob("*")]
    texts += [p.read_text(errors="replace") for p in folder.rglob("*") if p.suffix in TEXTS]
    texts += [*map(str, run.data.params.values()), *map(str, run.data.tags.values())]
    assert [t[:200] for t in texts if re.search(r"(?<!\d)9002(?!\d)", t)] == []


TEXTS = (".yaml", ".json", ".geojson", ".csv", ".md", ".txt", ".log")
