"""Provenance and cost of a run."""

import re

import pandas as pd

from idc.reports.formats import duration
from idc.reports.run_input import RunReport


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


def model_uri(report: RunReport) -> str:
    """MLflow URI of the evaluated model, or of the run's own; "" if it was not logged."""
    if report.model_uri:
        return report.model_uri
    kept = report.kind == "train" and report.setting("tracking.log_model") is not False
    return f"runs:/{report.run_id}/model" if kept and report.run_id else ""


def provenance(report: RunReport) -> pd.DataFrame:
    """Identifiers, cost and library versions of the run: ``item`` and ``value``."""
    items = {
        "run": report.run_id,
        "model": model_uri(report),
        "date": report.date,
        "code (git commit)": report.commit,
        **cost(report),
        **report.versions,
    }
    rows = [(name, str(value)) for name, value in items.items() if value]
    return pd.DataFrame(rows, columns=["item", "value"])
