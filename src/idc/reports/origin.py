"""Provenance and cost of a run."""

import re

import pandas as pd

from idc.reports.blocks import Block, Fold, Table
from idc.reports.formats import duration
from idc.reports.run_input import RunReport

PER_PATIENT = "test/patient_"  # metrics in the table of patients


def cost(report: RunReport) -> dict[str, str]:
    """Hardware, time and energy, each with whether it was measured."""
    costs = report.cost
    energy = costs.get("energy_kwh")
    words = str(costs.get("energy_words") or "")
    if energy is None:
        text = words or "not measured"
    else:
        # The text may begin with the energy of a part.
        about = re.sub(r"^[\d.e+-]+ kWh,? *", "", words)
        text = f"{float(energy):.3g} kWh{f'; {about}' if about else ''}"
    rows = {"hardware": str(costs.get("hardware") or "not recorded")}
    for key, name in (("train_seconds", "training took"), ("evaluate_seconds", "testing took")):
        seconds = costs.get(key)
        rows[name] = "not measured" if seconds is None else duration(float(seconds))
    return rows | {"energy": text}


def origin(report: RunReport) -> dict[str, str]:
    """Identifiers of the run: run id, model, date and git commit."""
    rows = {
        "run": report.run_id,
        "model": model_uri(report),
        "date": report.date,
        "code (git commit)": report.commit,
    }
    return {name: value for name, value in rows.items() if value}


def model_uri(report: RunReport) -> str:
    """MLflow URI of the registered model, or of the run's own; "" if it was not logged."""
    if report.model_uri:
        return report.model_uri
    kept = report.kind == "train" and report.setting("tracking.log_model") is not False
    return f"runs:/{report.run_id}/model" if kept and report.run_id else ""


def origin_blocks(report: RunReport) -> list[Block]:
    """Folds with provenance, cost and all metrics."""
    about = {**origin(report), **cost(report), **{k: str(v) for k, v in report.versions.items()}}
    metrics = {
        name: value
        for name in sorted(report.metrics)
        if not name.startswith(PER_PATIENT) and (value := report.value(name)) is not None
    }
    blocks: list[Block] = [Fold("Provenance and cost", [_table(about, "item", "value")])]
    if metrics:
        blocks.append(Fold("All metrics of this run", [_table(metrics, "metric", "value")]))
    return blocks


def _table(rows: "dict[str, str] | dict[str, float]", name: str, value: str) -> Table:
    return Table(pd.DataFrame({name: list(rows), value: list(rows.values())}))
