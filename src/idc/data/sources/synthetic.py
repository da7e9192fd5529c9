"""The embedded synthetic set as a source; `idc.data.synthetic` draws its patches."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.decode import RGB
from idc.data.sources.base import Known, Pixels, Scan
from idc.data.synthetic import SyntheticSpec, make_index, render
from idc.runtime.seeding import derive_seed

FIRST_PATIENT = 9001


class SyntheticSource:
    """Synthetic H&E patches of a few patients.

    Args:
        patients: Number of patients.
        patches_per_patient: Patches of each.
        patch_size: Side in pixels.
        positive_fraction: Share of tumour patches, on average over patients.
        shuffle_labels: Permute the labels over all patches: nothing can then be learnt, and a
            pipeline that scores above chance leaks.
        seed: Everything follows from it.
    """

    name = "synthetic"
    class_names = ("no IDC", "IDC")
    root: Path | None = None
    known: Known | None = None
    options: Mapping[str, str | int | float | None] = {}

    def __init__(
        self,
        patients: int = 12,
        patches_per_patient: int = 200,
        patch_size: int = 50,
        positive_fraction: float = 0.35,
        shuffle_labels: bool = False,
        seed: int = 0,
    ) -> None:
        self.spec = SyntheticSpec(
            patients, patches_per_patient, patch_size, positive_fraction, seed=seed
        )
        self.patch_size = patch_size
        self.shuffle_labels = shuffle_labels

    def scan(self) -> Scan:
        """List the patches; ``drawn`` is the label that a patch is drawn with."""
        index = make_index(self.spec)
        index["drawn"] = index["label"]
        if self.shuffle_labels:
            rng = np.random.default_rng(derive_seed(self.spec.seed, 99))
            index["label"] = rng.permutation(index["label"].to_numpy())
        index["patient"] = (FIRST_PATIENT + index["patient"]).astype(str)
        index["path"] = [
            kaggle_path(*row)
            for row in zip(index["patient"], index["x"], index["y"], index["label"], strict=True)
        ]
        index["checks"] = ""
        return Scan(index[["path", "label", "patient", "x", "y", "checks", "drawn"]])

    def read(self, index: pd.DataFrame) -> Pixels:
        """Draw the patches."""
        patient = index["patient"].astype(np.int64) - FIRST_PATIENT
        patches, _ = render(self.spec, index.assign(label=index["drawn"], patient=patient))
        facts = pd.DataFrame({"width": self.patch_size, "height": self.patch_size}, index.index)
        facts = facts.assign(mode=RGB, format="", bytes=0, mtime=0, hash="", problem="")
        return Pixels(patches, facts.reset_index(drop=True))

    def truth(self, index: pd.DataFrame) -> NDArray[np.bool_]:
        """Where the signal is; see `idc.data.sources.base.KnowsTruth`."""
        patient = index["patient"].astype(np.int64) - FIRST_PATIENT
        return render(self.spec, index.assign(label=index["drawn"], patient=patient))[1]


def kaggle_path(patient: str, x: int, y: int, label: int) -> str:
    """A patch's place in the layout of the Kaggle set."""
    return f"{patient}/{label}/{patient}_idx5_x{x}_y{y}_class{label}.png"


def write_kaggle(source: SyntheticSource, root: Path) -> int:
    """Write the set as PNG files in the layout of the Kaggle set.

    Args:
        source: What to write.
        root: A folder, made if need be.

    Returns:
        How many files were written.
    """
    index = source.scan().index
    for _, part in index.groupby("patient", sort=True):
        patches = source.read(part).patches
        for path, patch in zip(part["path"], patches, strict=True):
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(target), patch[:, :, ::-1])
    return len(index)
