"""The embedded synthetic set as a source; `idc.data.synthetic` draws its patches."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.decode import RGB
from idc.data.files import Pixels
from idc.data.sources.base import DataCard, Source
from idc.data.sources.tree import FileTree
from idc.data.synthetic import SyntheticSpec, make_index, render
from idc.runtime.seeding import derive_seed

FIRST_PATIENT = 9001


class SyntheticSource(Source):
    """Synthetic H&E patches of a few patients.

    Args:
        patients: Number of patients.
        patches_per_patient: Patches of each.
        patch_size: Side in pixels.
        positive_fraction: Share of tumour patches, on average over patients.
        shuffle_labels: Permute the labels over all patches: nothing can then be learnt, and a
            pipeline that scores above chance leaks.
        seed: Everything follows from it.
        positive: Name of the positive class.
    """

    name = "synthetic"
    classes = ("no IDC", "IDC")
    positive = "IDC"
    card = DataCard(
        "Synthetic H&E patches",
        "Patches that a program drew, to look like H&E-stained tissue. They show no patient, and "
        "results on them say nothing about real tissue.",
        "The labels say what was drawn: they are free of the doubt that real ones have.",
        tags=("synthetic",),
        stain="H&E",
        drawn=True,
    )

    def __init__(
        self,
        patients: int = 12,
        patches_per_patient: int = 200,
        patch_size: int = 50,
        positive_fraction: float = 0.35,
        shuffle_labels: bool = False,
        seed: int = 0,
        positive: str | None = None,
    ) -> None:
        super().__init__(None, patch_size, positive=positive)
        self.spec = SyntheticSpec(
            patients, patches_per_patient, patch_size, positive_fraction, seed=seed
        )
        self.shuffle_labels = shuffle_labels

    def list_images(self, tree: FileTree) -> pd.DataFrame:
        """List the patches; ``drawn`` is 1 where tumour is drawn, whatever the label says."""
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
        index["label"] = np.array(self.classes, object)[index["label"]]
        return index[["path", "label", "patient", "x", "y", "drawn"]]

    def read(self, index: pd.DataFrame) -> Pixels:
        """Draw the patches."""
        facts = pd.DataFrame({"width": self.patch_size, "height": self.patch_size}, index.index)
        facts = facts.assign(mode=RGB, format="", bytes=0, mtime=0, hash="", problem="")
        return Pixels(self._render(index)[0], facts.reset_index(drop=True))

    def truth(self, index: pd.DataFrame) -> NDArray[np.bool_]:
        """Where the signal is; see `idc.data.sources.base.KnowsTruth`."""
        return self._render(index)[1]

    def _render(self, index: pd.DataFrame) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        patient = index["patient"].astype(np.int64) - FIRST_PATIENT
        return render(self.spec, index.assign(label=index["drawn"], patient=patient))


def kaggle_path(patient: str, x: int, y: int, label: int) -> str:
    """A patch's place in the layout of the Kaggle set."""
    return f"{patient}/{label}/{patient}_idx5_x{x}_y{y}_class{label}.png"
