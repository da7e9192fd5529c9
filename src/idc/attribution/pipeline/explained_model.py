"""The subject of explanations: a network, its predictions and the patches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from idc.data.datamodule import PatchDataModule
from idc.data.index import has_positions
from idc.data.material import Material, Truth
from idc.errors import DataError
from idc.evaluation.decision import Decider
from idc.evaluation.inference import predict
from idc.evaluation.predictions import decide, raw_predictions, with_labels
from idc.models.network import Network

PREDICTED, LABEL = "predicted", "label"


@dataclass(frozen=True)
class Subject:
    """A trained network and its patches.

    Attributes:
        network: In eval mode; nothing here changes it.
        predictions: Decided predictions of validation and test, and of other selected patches;
            see `idc.evaluation.predictions.decide`.
        index: The whole index; ``row`` of the predictions are its positions.
        patches: The patch store, uint8 (N, P, P, 3), row for row with the index.
        class_names: One name per class, in the order of the labels.
        patch_size: Side of a patch on the slide, in slide pixels.
        threshold: ``score >= threshold`` is positive; None for k > 2.
        device: Where to compute.
        alias: A patient's name to that in the predictions: a pseudonym, or itself.
        truth: Rows of the index to where the signal is, bool (n, P, P); None where it is
            unknown.
        thresholds: One per label, where an image may have several; else empty.
        explains: The logit that is explained, ``predicted`` or ``label`` for each patch's own; None
            for the positive class of two, the predicted one of more. See
            `idc.attribution.pipeline.target.aim`.
        focus: The name of the class that is explained, where it is the same for all patches.
    """

    network: Network
    predictions: pd.DataFrame
    index: pd.DataFrame
    patches: NDArray[np.uint8]
    class_names: Sequence[str]
    patch_size: int
    threshold: float | None
    device: torch.device
    alias: Callable[[str], str] = str
    truth: Truth | None = None
    thresholds: Sequence[float] = ()
    explains: int | str | None = None
    focus: str = ""

    @property
    def classes(self) -> int:
        """The number of classes, k."""
        return len(self.class_names)

    @property
    def has_positions(self) -> bool:
        """Whether the patches have positions on slides."""
        return has_positions(self.predictions)

    @property
    def test(self) -> pd.DataFrame:
        """The predictions of the test split."""
        return self.predictions[self.predictions["split"] == "test"].reset_index(drop=True)

    @property
    def evidence(self) -> str:
        """What every map shows."""
        if self.explains == LABEL:
            of = "the class of the label"
        elif self.explains == PREDICTED or self.classes > 2:
            of = "the class that was called"
        else:
            of = self.focus or str(self.class_names[1])
        return f"evidence for {of}"

    @property
    def explained(self) -> str:
        """What a map shows, how its colours are scaled, and when a patch is called positive."""
        words = f"Maps show the {self.evidence}; each has its own scale of colours."
        if self.threshold is None:
            return words
        return f"{words} A score of {self.threshold:.3f} or more is called {self.class_names[1]}."

    def targets(self, cases: pd.DataFrame) -> NDArray[np.int64]:
        """The class whose logit is explained, of each case."""
        if self.explains in (PREDICTED, LABEL):
            return cases[str(self.explains)].to_numpy(np.int64)
        if self.explains is None and self.classes > 2:
            return cases[PREDICTED].to_numpy(np.int64)
        return np.full(len(cases), 1 if self.explains is None else self.explains, np.int64)

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
    """Score patches of any split, rows of the index, with a run's network and decider.

    `loader` has the options of the loaders. The result is as `idc.evaluation.predictions.decide`'s.
    """
    split = np.full(len(material.index), "", object)
    split[rows] = "test"
    selected = material.with_splits(split)
    names = material.source.class_names
    data = PatchDataModule(selected.patches, selected.index, names, seed=0, **loader)
    scored = predict(network, data.eval_dataloader("test"), device, decider.inference)
    frame = raw_predictions(
        material.index, data.rows("test"), scored.probabilities, scored.uncertainty
    )
    frame = with_labels(frame, data.members[data.rows("test")])
    return decide(frame, decider, len(names))


def match_rows(predictions: pd.DataFrame, index: pd.DataFrame, what: str) -> pd.DataFrame:
    """Set the rows of stored predictions to those of their paths in the present index.

    Raises:
        DataError: A patch is not among the data; the message begins with `what`, the run.
    """
    row = pd.Series(np.arange(len(index)), index=index["path"].to_numpy())
    rows = predictions["path"].map(row)
    if rows.isna().any():
        lost = predictions["path"][rows.isna()].iloc[0]
        raise DataError(
            f"{what}: {int(rows.isna().sum())} of its patches are not in the data, such as {lost}. "
            f"Set data.root to the data that the run was trained on."
        )
    return predictions.assign(row=rows.to_numpy(np.int64))
