"""What is reviewed: the cases, and where their pictures come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Case:
    """A patch to be judged, and what the model and the data set say of it.

    Attributes:
        path: The patch's name in the index. It may hold the label (`..._class1.png`), so it is
            never shown before a blinded verdict.
        patient: The patient's number.
        x: Left edge on the slide, in pixels.
        y: Upper edge on the slide, in pixels.
        label: The data set's class, 0..k-1.
        score: Two classes: the probability of class 1, in [0, 1]; more: the predicted class's.
        predicted: The model's class at the chosen threshold, 0..k-1.
        row: The patch's row in the index.
        uncertainty: How unsure the model is; larger is less sure.
    """

    path: str
    patient: str
    x: int
    y: int
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
        """A name a class, two or more: ("no IDC", "IDC")."""

    @property
    def threshold(self) -> float | None:
        """The score from which a patch counts as class 1; None for more than two classes."""

    @property
    def methods(self) -> Sequence[str]:
        """Attribution methods of which there are maps, the best first; may be empty."""

    @property
    def notes(self) -> Mapping[str, str]:
        """A method's caveat in words, such as "fails the weights check: ..."."""

    @property
    def sources(self) -> Mapping[str, str]:
        """What a method's maps are made of, such as "stage3, map 7x7"."""

    @property
    def run_name(self) -> str:
        """What the reader knows the run by."""

    def patch(self, case: Case) -> NDArray[np.uint8]:
        """The patch, (P, P, 3)."""

    def surroundings(self, case: Case) -> tuple[NDArray[np.uint8], Frame]:
        """A crop of the slide round the patch, (H, W, 3), and where in it the patch lies."""

    def attribution(self, case: Case, method: str) -> NDArray[np.float32]:
        """The method's map of the patch, (P, P); positive speaks for the class explained."""
