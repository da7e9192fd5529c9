"""Interface to the cases of a review and their images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Case:
    """A patch to be reviewed, with its label and the model's prediction.

    Attributes:
        path: The patch's path in the index. It may contain the label (`..._class1.png`), so it is
            never shown before a blinded verdict.
        patient: The patient's ID.
        x: Left edge on the slide, in pixels; None if the data have no positions.
        y: Upper edge on the slide, in pixels; None likewise.
        label: The label, 0..k-1.
        score: For two classes the probability of class 1, in [0, 1], else of the predicted class.
        predicted: The model's class at the chosen threshold, 0..k-1.
        row: The patch's row in the index.
        uncertainty: The model's uncertainty in [0, 1].
    """

    path: str
    patient: str
    x: int | None
    y: int | None
    label: int
    score: float
    predicted: int
    row: int
    uncertainty: float


# left, top and side of the patch within a crop of the slide, in the crop's pixels
Frame = tuple[int, int, int]


class CaseBook(Protocol):
    """The cases of one run, in the order of review; its methods are called one at a time."""

    @property
    def cases(self) -> Sequence[Case]:
        """The cases, in the order of review."""

    @property
    def class_names(self) -> Sequence[str]:
        """One name per class, two or more: ("benign", "malignant")."""

    @property
    def threshold(self) -> float | None:
        """The score from which a patch is called class 1; None for more than two classes."""

    @property
    def methods(self) -> Sequence[str]:
        """The attribution methods with maps, the best first; may be empty."""

    @property
    def notes(self) -> Mapping[str, str]:
        """Caveats of methods, such as "fails the weights check: ..."."""

    @property
    def sources(self) -> Mapping[str, str]:
        """The layer or other source of each method's maps, such as "stage3, map 7x7"."""

    @property
    def run_name(self) -> str:
        """Name of the run, for display."""

    def patch(self, case: Case) -> NDArray[np.uint8]:
        """The patch, (P, P, 3)."""

    def surroundings(self, case: Case) -> tuple[NDArray[np.uint8], Frame] | None:
        """A crop of the slide around the patch, (H, W, 3), and the patch's frame in it.

        None if the patch has no position.
        """

    def attribution(self, case: Case, method: str) -> NDArray[np.float32]:
        """The method's map of the patch, (P, P); positive values are evidence for the class."""
