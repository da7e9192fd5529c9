"""scikit-learn's classification report of a test split, as text and as a table."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from sklearn.metrics import classification_report

from idc.evaluation.predictions import labels_of
from idc.runtime.atomic import replacing, write_text

NAME = "classification_report"


def write_report(test: pd.DataFrame, class_names: Sequence[str], folder: Path) -> None:
    """Write ``classification_report.txt`` and ``.csv``, with one row per class and the averages."""
    k = len(class_names)
    labels, called = (labels_of(test, k, name) for name in ("label", "predicted"))
    # Names may be numbers, and classes may be missing in the test split.
    options = {"labels": range(k), "target_names": list(map(str, class_names)), "zero_division": 0}
    text = classification_report(labels, called, digits=3, **options)
    rows = classification_report(labels, called, output_dict=True, **options)
    if isinstance(rows.get("accuracy"), float):
        rows["accuracy"] = {"f1-score": rows["accuracy"], "support": len(test)}  # as in the text
    write_text(folder / f"{NAME}.txt", text)
    with replacing(folder / f"{NAME}.csv") as path:
        table = pd.DataFrame(rows).T.rename_axis("class").astype({"support": int})
        table.to_csv(path, float_format="%.6g")
