"""The description of a run in MLflow's user interface."""

from urllib.parse import quote

from idc.reports.markdown import Markdown
from idc.reports.run_facts import run_sentences
from idc.reports.run_input import RunReport
from idc.reports.templating import MARKDOWN

SIX = ("recall", "specificity", "precision", "f1", "auroc", "average_precision")
LINKED = {
    "evaluation/report.html": "report",
    "model_card.md": "model card",
    "evaluation/confusion_matrix.png": "confusion matrix",
    "evaluation/per_patient.csv": "results per patient",
    "evaluation/predictions.parquet": "predictions",
    "explain": "attribution maps",
}


def run_description(report: RunReport, experiment_id: str = "") -> str:
    """Describe a run in Markdown: result, warnings, six metrics with intervals, and links.

    Args:
        report: The run. Files in ``report.figures`` are linked.
        experiment_id: Id of the run's experiment in MLflow, for the links; "" lists the files
            without links.
    """
    artifacts = f"#/experiments/{experiment_id}/runs/{report.run_id}/artifacts"
    files = {
        words: Markdown(quote(f"{artifacts}/{name}", safe="#/"))
        for name, words in LINKED.items()
        if (report.figures / name).exists()
    }
    return MARKDOWN.get_template("description.md.j2").render(
        report=report,
        words=run_sentences(report),
        metrics=[name for name in SIX if report.value(f"test/{name}") is not None],
        files=files,
        linked=bool(experiment_id and report.run_id),
    )
