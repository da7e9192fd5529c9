"""The classification report has the numbers of scikit-learn, by class and by label."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, precision_score

from idc.evaluation.classification_report import write_report


def test_each_class_has_a_row_even_if_it_is_missing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    label, predicted = rng.integers(0, 3, 50), rng.integers(0, 3, 50)
    frame = pd.DataFrame({"label": label, "predicted": predicted})
    write_report(frame, ("mel", "nv", "7", "rare"), tmp_path)
    table = pd.read_csv(tmp_path / "classification_report.csv", index_col="class")
    assert [*table.index] == ["mel", "nv", "7", "rare", "accuracy", "macro avg", "weighted avg"]
    assert table.loc["nv", "f1-score"] == pytest.approx(
        f1_score(label == 1, predicted == 1), abs=1e-6
    )
    assert table.loc["accuracy", "f1-score"] == pytest.approx((label == predicted).mean())
    assert table.loc["rare", "support"] == 0
    assert table.loc["weighted avg", "support"] == 50
    text = (tmp_path / "classification_report.txt").read_text()
    assert [line.split()[0] for line in text.splitlines() if line][1:5] == [
        "mel",
        "nv",
        "7",
        "rare",
    ]


def test_several_labels_have_a_row_each(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    columns = [f"{name}_{i}" for name in ("label", "predicted") for i in range(2)]
    frame = pd.DataFrame(rng.integers(0, 2, (40, 4)), columns=columns).assign(labels="")
    write_report(frame, ("Mass", "Nodule"), tmp_path)
    table = pd.read_csv(tmp_path / "classification_report.csv", index_col="class")
    assert table.loc["Nodule", "precision"] == pytest.approx(
        precision_score(frame["label_1"], frame["predicted_1"]), abs=1e-6
    )
    assert table.loc["micro avg", "support"] == frame[["label_0", "label_1"]].to_numpy().sum()
