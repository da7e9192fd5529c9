"""The model card of a run, in the layout of Hugging Face.

The sections are those of the annotated template of Hugging Face, after Mitchell et al. (2019).
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from idc.metrics.definitions import AT_DECISION, METRIC_NAMES
from idc.reports.formats import metric_name
from idc.reports.markdown import Markdown
from idc.reports.page import write_text
from idc.reports.run_classes import class_table
from idc.reports.run_facts import marked_slices, run_sentences
from idc.reports.run_input import RunReport
from idc.reports.run_tables import (
    baseline_comparison,
    calibration_table,
    cost,
    headline_table,
    model_uri,
    patient_summary,
    settings_table,
    slice_table,
)
from idc.reports.templating import MARKDOWN

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, ModelCard, ModelCardData

CARD, HUB_CARD = "model_card.md", "README.md"
# The Hub's names of metrics, where they differ from ours.
HUB_METRICS = {"auroc": "roc_auc"}
TAGS = ("medical-imaging", "research-only", "mlflow")


def write_model_card(report: RunReport, folder: Path) -> list[Path]:
    """Write a run's model card, and the same with the metadata of the Hugging Face Hub.

    The metadata is YAML at the head of the file, which other viewers show as text.

    Raises:
        DataError: A file cannot be written.
    """
    card = model_card(report)
    return [write_text(folder / CARD, card.text.lstrip()), write_text(folder / HUB_CARD, str(card))]


def model_card(report: RunReport) -> "ModelCard":
    """The card: YAML front matter, then Markdown."""
    from huggingface_hub import ModelCard  # 0.8 s that other commands need not wait for

    body = MARKDOWN.get_template("model_card.md.j2").render(
        report=report,
        set=report.card,
        words=run_sentences(report),
        uri=model_uri(report),
        uri_code=Markdown(json.dumps(model_uri(report))),
        settings=settings_table(report),
        headlines=headline_table(report),
        classes=class_table(report),
        baselines=baseline_comparison(report),
        calibration=calibration_table(report),
        patients=patient_summary(report),
        slices=slice_table(report),
        marked=marked_slices(report),
        thresholds=Markdown(list(report.per_label.get("threshold", ()))),
        attributions=sorted(path.stem for path in (report.figures / "explain").glob("*.png")),
        methods=report.setting("explain.methods") or (),
        cost=cost(report),
    )
    return ModelCard(f"---\n{card_data(report).to_yaml()}\n---\n\n{body}")


def card_data(report: RunReport) -> "ModelCardData":
    """The front matter for the Hugging Face Hub, without undefined metrics."""
    from huggingface_hub import ModelCardData

    backbone = str(report.setting("choices.backbone") or "")
    results = list(_results(report))
    return ModelCardData(
        library_name="pytorch",
        pipeline_tag="image-classification",
        tags=list(filter(None, [*TAGS, *report.card.tags, backbone])),
        metrics=[result.metric_type for result in results],
        model_name=report.name,
        eval_results=results or None,
    )


def _results(report: RunReport) -> "Iterator[EvalResult]":
    from huggingface_hub import EvalResult

    name = (report.kind != "train" and report.test_data_words) or report.card.title
    for metric in METRIC_NAMES:
        if (value := report.value(f"test/{metric}")) is None:
            continue
        about = []
        if not report.two_classes and metric != "accuracy":
            about.append(f"mean over {'labels' if report.multi_label else 'classes'}")
        if report.threshold is not None and metric in AT_DECISION:
            about.append(f"at threshold {report.threshold:.3f}")
        if (bounds := report.interval(f"test/{metric}")) is not None:
            about.append(f"interval {bounds[0]:.3f} to {bounds[1]:.3f}")
        if report.leaky:
            about.append("leaky")
        words = metric_name(metric, short=True)
        words = words[0].upper() + words[1:]
        yield EvalResult(
            task_type="image-classification",
            task_name="Patch classification",
            dataset_type=re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "data",
            dataset_name=name,
            dataset_split="test",
            metric_type=HUB_METRICS.get(metric, metric),
            metric_value=round(value, 6),
            metric_name=f"{words} ({', '.join(about)})" if about else words,
        )
