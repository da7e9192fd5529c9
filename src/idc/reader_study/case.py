"""The cases of a review, with their images and attribution maps, as the page needs them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

AROUND = 5  # patches shown on each side of the case
Image = NDArray[np.uint8]


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
    """

    path: str
    patient: str
    x: int | None
    y: int | None
    label: int
    score: float
    predicted: int
    row: int


@dataclass(frozen=True)
class CaseBook:
    """The cases of one run.

    Attributes:
        run_name: Name of the run, for display.
        cases: The cases, in the order of review.
        class_names: One name per class, two or more.
        threshold: The score from which a patch is called class 1; None for more than two classes.
        sources: Attribution method to the layer or other source of its maps, such as "stage3, map
            7x7"; the best method first; may be empty.
        notes: Caveats of methods, such as "fails the weights check: ...".
        patch: Returns the patch of a case, (P, P, 3).
        surroundings: Returns the slide around a case, (H, H, 3), which shows `AROUND` patches on
            each side; None if the patch has no position.
        attribution: Returns a method's map of a case, (P, P); positive values are evidence for the
            explained class.
        patch_um: Side of a patch in micrometres; None if unknown.
    """

    run_name: str
    cases: Sequence[Case]
    class_names: Sequence[str]
    threshold: float | None
    sources: Mapping[str, str]
    notes: Mapping[str, str]
    patch: Callable[[Case], Image]
    surroundings: Callable[[Case], Image | None]
    attribution: Callable[[Case, str], NDArray[np.float32]]
    patch_um: float | None = None

    @property
    def methods(self) -> list[str]:
        """The attribution methods with maps, the best first."""
        return list(self.sources)
