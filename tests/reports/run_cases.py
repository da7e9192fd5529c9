"""Runs and sweeps, made up, for the pages and the card."""

from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from idc.data.sources.idc import IdcSource
from idc.data.sources.synthetic import SyntheticSource
from idc.evaluation.per_label import per_label_table
from idc.evaluation.predictions import with_probabilities
from idc.reports.run_input import RunReport, SweepReport

SIZE = 16
EVIL = """<script>alert("x")</script> & 'co' {{ 7 * 6 }} | a_b_"""


def config(**changes: Any) -> dict[str, Any]:
    return {
        "choices": {"data": "idc", "backbone": "resnet50", "head": "linear", "loss": "focal"},
        "backbone": {"weights": "imagenet"},
        "threshold": {"rule": "recall", "target": 0.95},
        "intervals": {"level": 0.95},
        "trainer": {"max_epochs": 8},
        **changes,
    }


def drawn(patients: int, classes: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Predictions of test patients whose third patch of each class is wrong, and the patches."""
    frame, patches = _drawn(patients, classes)
    return frame.copy(), patches.copy()


@cache
def _drawn(patients: int, classes: int) -> tuple[pd.DataFrame, np.ndarray]:
    source = SyntheticSource(patients, 12, SIZE, positive_fraction=0.5, seed=1)
    index = source.scan().index
    label = index["label"].to_numpy() if classes == 2 else np.arange(len(index)) % classes
    turn = pd.Series(label).groupby([index["patient"], label]).cumcount().to_numpy()
    wrong = turn == 2
    predicted = np.where(wrong, (label + 1) % classes, label)
    score = np.where(predicted == 1, 0.9, 0.1) if classes == 2 else np.full(len(index), 0.7)
    frame = pd.DataFrame(
        {
            "path": index["path"],
            "patient": index["patient"],
            "x": index["x"],
            "y": index["y"],
            "label": label,
            "split": "test",
            "row": np.arange(len(index)),
            "predicted": predicted,
            "score": score,
            "loss": np.where(wrong, 2.3, 0.1) + np.arange(len(index)) / 1000,
            "checks": np.where(wrong, "near_white,glass", ""),
        }
    )
    return frame, source.read(index).patches


def make_run(folder: Path, patients: int = 12, classes: int = 2, **changes: Any) -> RunReport:
    """A run on `patients` test patients, with the numbers that pages speak of."""
    predictions, patches = drawn(patients, classes)
    names = ("no IDC", "IDC") if classes == 2 else tuple("abcdefg"[:classes])
    per_label = pd.DataFrame()
    if classes > 2:
        p = np.full((len(predictions), classes), 0.1)
        p[np.arange(len(p)), predictions["predicted"]] = 0.7
        predictions = with_probabilities(predictions, p, "score")
        per_label = per_label_table(predictions, predictions, names, None, 20, 0.95)
    counts = pd.DataFrame(
        [("train", names[0], 500, 20), ("test", names[0], 70, patients)],
        columns=["split", "class", "patches", "patients"],
    )
    metrics = {
        "test/recall": 0.96,
        "test/recall_ci_low": 0.851,
        "test/recall_ci_high": 0.98,
        "test/specificity": 0.88,
        "test/specificity_ci_low": 0.8,
        "test/specificity_ci_high": 0.93,
        "test/accuracy": 0.9,
        "test/f1": 0.87,
        "test/f1_at_0.5": 0.81,
        "test/auroc": 0.95,
        "test/auroc_ci_low": 0.91,
        "test/auroc_ci_high": 0.97,
        "test/average_precision": float("nan"),
        "test/ece": 0.031,
        "test/ece_uncalibrated": 0.087,
        "test/coverage_at_recall_0.99": 0.62,
        "test/patient_9001/f1": 0.123456,
        "val/threshold": 0.413,
    }
    per_patient = pd.DataFrame(
        {
            "patient": [f"p{i}" for i in range(patients)],
            "patches": 50,
            "tp": 20,
            "fn": 5,
            "fp": 2,
            "tn": 23,
            "recall": np.linspace(0.99, 0.61, patients),
            "specificity": [float("nan")] * patients,
        }
    )
    slices = pd.DataFrame(
        {
            "slice": ["finding", "darkness"],
            "value": ["near_white", "dark"],
            "patches": [14, 90],
            "patients": [1, 2],
            "recall": [float("nan"), 0.7],
            "recall_ci_low": [float("nan"), 0.6],
            "recall_ci_high": [float("nan"), 0.8],
            "error_rate": [0.4, 0.2],
            "worse": [False, True],
        }
    )
    parts: dict[str, Any] = {
        "name": "a run",
        "kind": "train",
        "config": config(),
        "class_names": names,
        "patch_size": SIZE,
        "counts": counts,
        "metrics": metrics,
        "threshold": 0.413 if classes == 2 else None,
        "predictions": predictions,
        "figures": folder,
        "threshold_words": "highest threshold whose validation recall is at least 0.95",
        "interval_words": f"95% bootstrap over {patients} test patients",
        "patches": patches,
        "per_patient": per_patient,
        "per_label": per_label,
        "slices": slices,
        "baselines": pd.DataFrame({"baseline": ["colour statistics"], "auroc": [0.8]}),
        "patients": {"train": 20, "test": patients},
        "cost": {"train_seconds": 192.0, "energy_kwh": None, "hardware": "Linux, no GPU"},
        "versions": {"torch": "2.15.0"},
        "commit": "0123abcd",
        "run_id": "bdd1569f",
    }
    return RunReport(**({"card": IdcSource.card, **parts} | changes))


def make_sweep(folder: Path, **changes: Any) -> SweepReport:
    """Three settings and a baseline; the best differs significantly from the third only."""
    board = pd.DataFrame(
        {
            "setting": ["a", "b", "c", "colour statistics"],
            "runs": [5, 5, 5, 5],
            "test/f1_mean": [0.91, 0.90, 0.80, 0.7],
            "test/f1_std": [0.01, 0.01, float("nan"), 0.01],
            "test/f1_low": [0.87, 0.85, float("nan"), float("nan")],
            "test/f1_high": [0.93, 0.92, float("nan"), float("nan")],
            "test/auroc_mean": [0.97, 0.96, float("nan"), 0.8],
            "kind": ["run", "run", "run", "baseline"],
            "leaky": [False] * 4,
        }
    )
    differences = pd.DataFrame(
        {
            "a": ["a", "a", "b", "a"],
            "b": ["b", "c", "c", "b"],
            "metric": ["f1", "f1", "f1", "auroc"],
            "difference": [0.01, 0.11, 0.10, 0.01],
            "low": [-0.02, 0.05, 0.04, 0.001],
            "high": [0.04, 0.16, 0.15, 0.02],
            "p_holm": [0.4, 0.001, 0.002, 0.01],
            "apart": [False, True, True, True],
            "patients": 51,
        }
    )
    parts: dict[str, Any] = {
        "name": "a sweep",
        "command": "python -m idc.train -m backbone=a,b,c",
        "leaderboard": board,
        "figures": folder,
        "differences": differences,
    }
    return SweepReport(**(parts | changes))


def save_png(path: Path, noisy: bool = False) -> None:
    """A figure, as it would be saved."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if noisy:
        pixels = np.random.default_rng(0).integers(0, 256, (500, 500, 3), dtype=np.uint8)
    else:
        pixels = np.full((30, 40, 3), 200, np.uint8)
    cv2.imwrite(str(path), pixels)
