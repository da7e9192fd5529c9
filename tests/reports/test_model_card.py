"""The model card parses as Hugging Face parses it, and says only what the run says."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from huggingface_hub import ModelCard
from markdown_tables import tables
from run_cases import EVIL, config, make_run, save_png

from idc.data.sources.base import DataCard
from idc.errors import DataError
from idc.reports.model_card import model_card, write_model_card
from idc.reports.run_input import RunReport

SECTIONS = (
    *("Model Details", "Uses", "Bias, Risks, and Limitations"),
    *("How to Get Started with the Model", "Training Details", "Evaluation", "Model Examination"),
    *("Environmental Impact", "Technical Specifications", "Ethics and Privacy", "Citation"),
    *("Glossary", "Model Card Contact"),
)


def parse(report: RunReport, folder: Path) -> ModelCard:
    plain, hub = write_model_card(report, folder / "new")
    card = ModelCard(hub.read_text("utf-8"))
    # Without metadata, which viewers of Markdown show as text.
    assert plain.read_text("utf-8") == card.text.lstrip()
    return card


def test_the_card_is_one_for_hugging_face(tmp_path: Path) -> None:
    card = parse(make_run(tmp_path), tmp_path)
    assert card.data.library_name == "pytorch"
    assert card.data.pipeline_tag == "image-classification"
    assert {"histopathology", "breast-cancer", "resnet50"} <= set(card.data.tags)
    assert card.data.license is None
    assert card.data.model_name == "a run"
    results = {r.metric_type: r for r in card.data.eval_results}
    assert list(results) == card.data.metrics
    assert list(results) == ["recall", "specificity", "f1", "accuracy", "roc_auc"]  # no NaN
    recall = results["recall"]
    assert recall.metric_value == pytest.approx(0.96)
    assert recall.metric_name == "Recall (at threshold 0.413, interval 0.851 to 0.980)"
    assert (recall.dataset_name, recall.dataset_split) == ("Breast Histopathology Images", "test")
    assert recall.dataset_type == "breast-histopathology-images"
    # What it writes back is what it read.
    assert ModelCard(card.content).data.to_dict() == card.data.to_dict()
    headings = re.findall(r"^## (.*)$", card.text, re.M)
    assert headings == list(SECTIONS)


def test_every_table_is_well_formed(tmp_path: Path) -> None:
    text = str(model_card(make_run(tmp_path)))
    result = tables(text)
    assert len(result) >= 6
    for rows in result:
        assert len({len(row) for row in rows}) == 1
        assert all(re.fullmatch(r"---:?", cell) for cell in rows[1])
    assert "nan" not in text.lower().split()
    slices = next(rows for rows in result if rows[0][0] == "by")
    assert slices[2] == ["finding", "near white", "14", "1", "-", "0.400"]


@pytest.mark.parametrize("classes", [2, 3])
def test_names_stay_names(tmp_path: Path, classes: int) -> None:
    evil = f"{EVIL}\n# no heading\n| no | table |\n```"
    report = make_run(tmp_path, classes=classes)
    report = replace(
        report,
        name=evil,
        class_names=(evil, *report.class_names[1:]),
        config=config(choices={"backbone": evil, "data": evil}),
        card=DataCard(evil, evil, evil, evil, (evil,)),
        counts=report.counts.assign(**{"class": evil}),
        slices=report.slices.assign(value=evil),
        notes=(evil,),
        leaks=(evil,),
        test_data_words=evil,
    )
    card = parse(report, tmp_path)
    assert card.data.model_name == evil
    headings = re.findall(r"^#+ (.*)$", card.text, re.M)
    assert "no heading" not in headings
    assert [h for h in headings if h in SECTIONS] == list(SECTIONS)
    assert card.text.count("```") % 2 == 0
    bare = re.sub(r"(`+) ?.*? ?\1", "", card.text)  # names in code are shown as they are
    assert "<script" not in bare.replace(r"\<", "")
    for rows in tables(card.text):
        assert len({len(row) for row in rows}) == 1


def test_the_code_in_the_card_is_python_that_asks_this_run(tmp_path: Path) -> None:
    def snippet(report: RunReport) -> str:
        result = re.search(r"```python\n(.*?)```", model_card(report).text, re.S)
        assert result is not None
        compile(result[1], "card", "exec")
        return result[1]

    report = make_run(tmp_path, threshold=np.float64(0.413))
    text = snippet(report)
    assert 'load_model("runs:/bdd1569f/model")' in text
    assert "positive = score >= 0.413\n" in text
    assert "np.uint8" in text
    assert 'load_model("models:/idc/3")' in snippet(replace(report, model_uri="models:/idc/3"))
    assert "argmax(1)" in snippet(make_run(tmp_path, classes=3))


@pytest.mark.parametrize(
    "changes",
    [{"run_id": ""}, {"kind": "evaluate"}, {"config": {"tracking": {"log_model": False}}}],
)
def test_no_code_for_a_model_that_is_not_kept(tmp_path: Path, changes: dict[str, object]) -> None:
    text = str(model_card(make_run(tmp_path, **changes)))
    assert "```" not in text
    assert "No model was logged with this run" in text


def test_what_was_not_measured_is_said_plainly(tmp_path: Path) -> None:
    text = str(model_card(make_run(tmp_path, cost={})))
    for words in (
        *("- **Hardware:** not recorded", "- **Energy:** not measured"),
        *(
            "- **Time:** training not measured; testing not measured",
            "No attributions were computed",
        ),
    ):
        assert words in text
    spent = {"energy_kwh": 0.3, "energy_words": "0.2 kWh, measured: 1 x GPU", "train_seconds": 60}
    text = str(model_card(make_run(tmp_path, cost=spent)))
    assert "- **Energy:** 0.3 kWh; measured: 1 x GPU" in text
    assert "training 60 seconds; testing not measured" in text


def test_warnings_reach_the_card(tmp_path: Path) -> None:
    report = make_run(tmp_path, patients=2, leaky=True)
    card = parse(report, tmp_path)
    assert "Only 2 patients to test on." in card.text
    assert card.text.index("Read this first") < card.text.index("## Model Details")
    assert all("leaky" in str(r.metric_name) for r in card.data.eval_results)
    assert "none of whom was used" not in card.text


def test_other_data_are_named_in_the_results(tmp_path: Path) -> None:
    card = parse(make_run(tmp_path, kind="evaluate", test_data_words="Clinic B"), tmp_path)
    assert {r.dataset_name for r in card.data.eval_results} == {"Clinic B"}


def test_attributions_are_named(tmp_path: Path) -> None:
    save_png(tmp_path / "explain" / "FN.png")
    report = make_run(tmp_path, config=config(explain={"methods": {"gradcam": {}}}))
    assert "Attribution maps by gradcam of some test patches are in explain/: FN." in str(
        model_card(report)
    )


def test_a_run_of_which_little_is_known(tmp_path: Path) -> None:
    full = make_run(tmp_path)
    bare = replace(full, config={}, metrics={}, predictions=full.predictions.head(0))
    bare = replace(
        bare, per_patient=pd.DataFrame(), slices=pd.DataFrame(), baselines=pd.DataFrame()
    )
    bare = replace(bare, threshold=None, versions={}, commit="", interval_words="")
    card = parse(bare, tmp_path)
    assert card.data.eval_results is None
    assert "No metric could be computed." in card.text
    assert "There are no intervals" in card.text


def test_a_card_that_cannot_be_written_says_which(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"model_card\.md"):
        write_model_card(make_run(tmp_path), tmp_path / "file")
