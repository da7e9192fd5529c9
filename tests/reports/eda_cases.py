"""A data set on a grid, made up, for its page."""

from dataclasses import replace

import numpy as np
import pandas as pd

from idc.data.index import POSITION
from idc.reports.eda_input import EdaInput

COLUMNS = (
    *("path", "patient", "label", "width", "height", "mode", "format", "bytes"),
    *("mean_r", "mean_g", "mean_b", "std_r", "std_g", "std_b"),
    *("saturation", "white", "grey", "ink", "checks", "decision", "split"),
)
FINDINGS = pd.DataFrame(
    [("near_white", "Mostly glass.", "drop", 0, 0, 0), ("unreadable", "Broken.", "keep", 0, 0, 0)],
    columns=["finding", "meaning", "policy", "patches", "patients", "dropped"],
)


def make(
    patients: int = 4, per_class: int = 6, classes: int = 2, names: list[str] | None = None
) -> EdaInput:
    """A set on a grid of 8 px patches; the patient's number shifts its colour."""
    rng = np.random.default_rng(0)
    rows, patches = [], []
    for number in range(patients):
        name = names[number] if names else f"p{number}"
        for label in range(classes):
            for i in range(per_class):
                base = 150 + 40 * (number % 3) - 50 * label
                patch = np.clip(rng.normal(base, 5, (8, 8, 3)), 0, 255).astype(np.uint8)
                mean, std = patch.mean((0, 1)), patch.std((0, 1))
                patches.append(patch)
                split = ("train", "val", "test")[number % 3]
                where = (8 * i + 1, 8 * label + 1)
                file = (*where, 8, 8, "RGB", "PNG", 300)
                looks = (*mean, *std, 0.2, 0.0, 0.0, 0.0)
                path = f"{name}/{label}/{i}.png"
                rows.append((path, name, label, *file, *looks, "", "keep", split))
    index = pd.DataFrame(rows, columns=[*COLUMNS[:3], *POSITION, *COLUMNS[3:]])
    class_names = ("no IDC", "IDC", "other")[:classes]
    facts = {"fingerprint": "00ff"}
    return EdaInput("set", class_names, index, np.stack(patches), FINDINGS, None, 8, 0, facts)


def flag(data: EdaInput, rows: list[int], finding: str, drop: bool = False) -> EdaInput:
    index = data.index.copy()
    index.loc[rows, "checks"] = [f"{c},{finding}".strip(",") for c in index.loc[rows, "checks"]]
    if drop:
        index.loc[rows, "decision"], index.loc[rows, "split"] = "drop", ""
    findings = data.findings.copy()
    at = findings["finding"] == finding
    findings.loc[at, "patches"] = len(rows)
    findings.loc[at, "patients"] = index.loc[rows, "patient"].nunique()
    findings.loc[at, "dropped"] = len(rows) if drop else 0
    return replace(data, index=index, findings=findings)
