"""The pack for signature, from a finished run by its id."""

from collections.abc import Callable

import pandas as pd
import pytest

from conftest import Cli, Result
from idc.pipelines.signoff import split_table
from idc.reports import pdf

pytestmark = pytest.mark.slow
Apps = Callable[[str], Cli]


def test_result_review_and_signatures_on_one_page(
    trained: Result, app: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = trained.runs()
    table = pd.DataFrame({"reader": ["AB"], "cases": [12], "accuracy": [0.9]})
    review = trained.root / "review"
    review.mkdir()
    table.to_csv(review / "readers.csv", index=False)
    trained.client.log_artifacts(run.info.run_id, str(review), "review")
    monkeypatch.setattr(pdf, "BROWSERS", ())
    result = app("signoff")(f"run={run.info.run_id}", "purpose='<b>research</b>'", "roles=[doctor]")
    assert result.code == 0, result.err
    folder = result.folders[-1] / "signoff"
    assert [path.name for path in folder.iterdir()] == ["signoff.html"]
    page = (folder / "signoff.html").read_text("utf-8")
    metrics = trained.metrics(run)
    for name in ("recall", "auroc", "f1"):
        assert f">{metrics[f'test/{name}']:.3f}<" in page
    assert "drawn by a program" in page  # synthetic patches
    assert ">AB<" in page and "Not reviewed" not in page
    assert "&lt;b&gt;research&lt;/b&gt;" in page and page.count(">doctor<") == 1
    assert run.data.tags["idc.digest.split.parquet"] in page
    logged = [a.path for a in trained.client.list_artifacts(run.info.run_id, "signoff")]
    assert logged == ["signoff/signoff.html"]
    again = trained.client.get_run(run.info.run_id)
    assert again.info.status == "FINISHED"
    assert "### Sign-off" in again.data.tags["mlflow.note.content"]


@pytest.mark.parametrize("status", ["RUNNING", "FAILED"])
def test_only_a_finished_run_is_signed_off(trained: Result, app: Apps, status: str) -> None:
    (run,) = trained.runs()
    trained.client.update_run(run.info.run_id, status)
    result = app("signoff")(f"run={run.info.run_id}")
    assert result.code == 1
    assert status.lower() in result.err
    assert app("signoff")("run=nonsense").code == 1


def test_each_label_is_counted_where_an_image_has_several() -> None:
    split = pd.DataFrame(
        {
            "split": ["train", "train", "val", "test"],
            "patient": ["1", "1", "2", "3"],
            "label": [0, 1, 1, 1],
            "labels": ["", "Mass|Nodule", "Mass", "Nodule"],
        }
    )
    counts = split_table(split, ["Hernia", "Mass", "Nodule"]).set_index("split")
    assert counts[["Hernia", "Mass", "Nodule"]].to_numpy().tolist() == [
        [0, 1, 1],
        [0, 1, 0],
        [0, 0, 1],
    ]
    assert counts["patches"].tolist() == [2, 1, 1]
