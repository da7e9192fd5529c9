"""What is explained: a network, what it said, and of which patches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from idc.data.datamodule import PatchDataModule
from idc.data.material import Material, Truth
from idc.errors import DataError
from idc.evaluation.decision import Decider
from idc.evaluation.inference import predict
from idc.evaluation.predictions import decide, raw_predictions
from idc.models.network import Network

Choose = Callable[[NDArray[np.int64], NDArray[np.float64]], float]


@dataclass(frozen=True)
class Subject:
    """A trained network and its patches.

    Attributes:
        network: In eval mode; nothing here changes it.
        predictions: Decided predictions of validation and test (and of any other patches that
            are asked about); see `idc.evaluation.predictions.decide`.
        index: The whole index; ``row`` of the predictions are its positions.
        patches: The store, uint8 (N, P, P, 3), row for row with the index.
        class_names: A name a class, in the order of the labels.
        patch_size: Split of a patch on the slide, in slide pixels.
        threshold: ``score >= threshold`` is positive; None for k > 2.
        device: Where to compute.
        choose: The run's rule for the threshold: labels and scores of validation to a threshold;
            None for k > 2.
        alias: A patient's name to the one that the predictions have: a pseudonym, or itself.
        truth: Rows of the index to where the signal is, bool (n, P, P); None where nobody knows.
    """

    network: Network
    predictions: pd.DataFrame
    index: pd.DataFrame
    patches: NDArray[np.uint8]
    class_names: Sequence[str]
    patch_size: int
    threshold: float | None
    device: torch.device
    choose: Choose | None = None
    alias: Callable[[str], str] = str
    truth: Truth | None = None

    @property
    def classes(self) -> int:
        """K."""
        return len(self.class_names)

    @property
    def test(self) -> pd.DataFrame:
        """The predictions of the test split."""
        return self.predictions[self.predictions["split"] == "test"].reset_index(drop=True)

    @property
    def explained(self) -> str:
        """What every map is about, in words."""
        if self.classes > 2:
            return "the predicted class's logit"
        words = f"the logit of {self.class_names[1]} (class 1)"
        return words if self.threshold is None else f"{words}; threshold {self.threshold:.3f}"

    def targets(self, cases: pd.DataFrame) -> NDArray[np.int64]:
        """The class whose logit is explained: with two always the evidence for cancer."""
        if self.classes == 2:
            return np.ones(len(cases), np.int64)
        return cases["predicted"].to_numpy(np.int64)

    def pixels(self, cases: pd.DataFrame) -> NDArray[np.uint8]:
        """The patches of some predictions, uint8 (n, P, P, 3)."""
        return np.asarray(self.patches[cases["row"].to_numpy()])


def score_rows(
    network: Network,
    material: Material,
    rows: NDArray[np.int64],
    decider: Decider,
    loader: Mapping[str, Any],
    device: torch.device,
) -> pd.DataFrame:
    """What a run says of patches of any split, decided as it decides.

    Args:
        network: The run's network.
        material: The data.
        rows: Positions in the index, int64 (n,).
        decider: The run's calibration, threshold and way of asking.
        loader: The options of the loaders.
        device: Where to compute.
    """
    split = np.full(len(material.index), "", object)
    split[rows] = "test"
    asked = material.with_splits(split)
    names = material.source.class_names
    data = PatchDataModule(asked.patches, asked.index, names, seed=0, **loader)
    said = predict(network, data.eval_dataloader("test"), device, decider.inference)
    frame = raw_predictions(material.index, data.rows("test"), said.probabilities, said.uncertainty)
    return decide(frame, decider, len(names))


def place_again(predictions: pd.DataFrame, index: pd.DataFrame, what: str) -> pd.DataFrame:
    """Stored predictions with the rows that their patches have now.

    Args:
        predictions: With ``path``.
        index: The index of now.
        what: Whose they are, for the message.

    Raises:
        DataError: A patch is not among the data.
    """
    row = pd.Series(np.arange(len(index)), index=index["path"].to_numpy())
    found = predictions["path"].map(row)
    if found.isna().any():
        lost = predictions["path"][found.isna()].iloc[0]
        raise DataError(
            f"{what}: {int(found.isna().sum())} of its patches are not among these data, such as "
            f"{lost}. Give data.root=DIR of those that it was made with."
        )
    return predictions.assign(row=found.to_numpy(np.int64))
