"""The model card of a run, in the layout of Hugging Face.

The sections are those of the annotated template of Hugging Face, after Mitchell et al. (2019).
"""

import json
from pathlib import Path
from typing import Any

import jinja2

from idc.errors import DataError
from idc.reports.card_data import card_data
from idc.reports.card_text import bullets, front_matter
from idc.reports.glossary import TERMS
from idc.reports.markdown import Markdown, code, escape
from idc.reports.markdown import markdown_table as table
from idc.reports.origin import cost, model_uri
from idc.reports.run_facts import run_sentences
from idc.reports.run_input import RunReport
from idc.reports.run_parts import marked_names, patient_summary, slice_table
from idc.reports.run_tables import (
    baseline_comparison,
    calibration_table,
    class_table,
    headline_table,
    settings,
)

TEMPLATE = "model_card.md.j2"
GLOSSARY = ("recall (sensitivity)", "specificity", "precision", "F1", "AUROC", "threshold")


def write_model_card(report: RunReport, path: Path) -> Path:
    """Write a run's model card.

    Args:
        report: The run.
        path: The file to write, such as ``model_card.md``.

    Returns:
        The path.

    Raises:
        DataError: The file cannot be written.
    """
    text = model_card(report)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: the card cannot be written ({error.strerror}).") from error
    return path


def model_card(report: RunReport) -> str:
    """The card as text: YAML front matter, then Markdown."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("idc.reports"),
        # Markdown, not HTML: every value goes through `escape` unless it is Markdown already.
        autoescape=False,
        finalize=escape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(TEMPLATE).render(**_values(report))


def _values(report: RunReport) -> dict[str, Any]:
    words = run_sentences(report)
    return {
        "data": front_matter(card_data(report)),
        "report": report,
        "set": report.card,
        "lead": words.text("lead"),
        "warnings": bullets(words.list("warnings")),
        "notes": bullets(report.notes),
        "trained_on": words.text("trained_on"),
        "start": words.text("initial_weights"),
        "decision": words.text("decision_rule"),
        "limits": bullets(words.list("limitations")),
        "names": [str(name) for name in report.class_names],
        "uri": model_uri(report),
        "usage": _usage(report),
        "counts": table(report.counts),
        "settings": table(settings(report)),
        "headlines": table(headline_table(report)),
        "classes": Markdown("") if report.two_classes else table(class_table(report)),
        "baselines": table(baseline_comparison(report)),
        "calibration": table(calibration_table(report)),
        "patients": table(patient_summary(report)),
        "slices": table(slice_table(report)),
        "worse": marked_names(report, "worse"),
        "misses_more": marked_names(report, "misses_more"),
        "tested": words.text("tested_on"),
        "shared": bullets(words.list("selective_prediction")),
        "explained": _explained(report),
        "cost": cost(report),
        "versions": ", ".join(f"{name} {value}" for name, value in report.versions.items()),
        "code": code,
        "glossary": {name: TERMS[name] for name in GLOSSARY},
    }


def _usage(report: RunReport) -> Markdown:
    """Python code that loads the model and predicts."""
    lines = [
        "import mlflow",
        "import numpy as np",
        "",
        "# Or set MLFLOW_TRACKING_URI to the store that the run was logged to.",
        'mlflow.set_tracking_uri("sqlite:///mlruns/mlflow.db")',
        f"model = mlflow.pyfunc.load_model({json.dumps(model_uri(report))})",
        f"size = {report.patch_size}",
        "patches = np.zeros((2, 3, size, size), np.uint8)  # (N, 3, H, W), RGB, 0 to 255",
        f"probabilities = model.predict(patches)  # (N, {len(report.class_names)})",
    ]
    if report.two_classes and report.threshold is not None:
        lines += [
            "score = probabilities[:, 1]",
            f"positive = score >= {float(report.threshold)!r}",
        ]
    else:
        lines.append("predicted = probabilities.argmax(1)")
    return Markdown("\n".join(lines))


def _explained(report: RunReport) -> str:
    """Description of the attribution maps; "" if there are none."""
    names = sorted(
        path.stem.replace("_", " ") for path in (report.figures / "explain").glob("*.png")
    )
    methods = report.setting("explain.methods")
    how = ", ".join(str(name).replace("_", " ") for name in methods) if methods else ""
    if not names:
        return ""
    by = f" by {how}" if how else ""
    return f"Attribution maps{by} of some test patches are in explain/: {', '.join(names)}."
