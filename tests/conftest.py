"""Shared fixtures: a composed configuration, a tiny Kaggle folder, a run's own root."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # the tests are written for a CPU
os.environ.setdefault("IDC_PROGRESS", "0")
os.environ.pop("MLFLOW_TRACKING_URI", None)

Folder = Callable[..., Path]


def kaggle_name(patient: str, x: int, y: int, label: int) -> str:
    return f"{patient}/{label}/{patient}_idx5_x{x}_y{y}_class{label}.png"


@pytest.fixture
def kaggle(tmp_path: Path) -> Folder:
    """Make a folder in the Kaggle layout: `kaggle({"9001": (6, 4)})`, negatives and positives."""

    def make(patients: dict[str, tuple[int, int]], size: int = 50) -> Path:
        root = tmp_path / "kaggle"
        for number, (patient, counts) in enumerate(patients.items()):
            rng = np.random.default_rng(number)
            for label, count in enumerate(counts):
                for i in range(count):
                    path = root / kaggle_name(patient, 50 * i + 1, 50 * label + 1, label)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    # Blue for positives: a network learns it in a few steps.
                    image = rng.integers(120, 200, (size, size, 3), dtype=np.uint8)
                    image[:, :, 0] = np.clip(image[:, :, 0] + 50 * label, 0, 255)
                    cv2.imwrite(str(path), image)
        return root

    return make


@pytest.fixture
def compose() -> Callable[..., dict[str, Any]]:
    """Compose and resolve the training configuration, as the app does."""
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from omegaconf import open_dict

    from idc.conf_dir import conf_dir
    from idc.engine.config import resolve

    def make(*overrides: str) -> dict[str, Any]:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            cfg = hydra_compose(
                "train", ["paths.root=root", *overrides], return_hydra_config=True
            )
        choices = dict(cfg.hydra.runtime.choices)
        with open_dict(cfg):
            del cfg["hydra"]
        return resolve(cfg, choices)

    return make
