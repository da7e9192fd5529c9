"""The findings of the audit: their names, what each means and what can be done about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Action = Literal["keep", "drop", "fail"]
NOT_READ = "not_read"
BAD_NAME, LABEL_MISMATCH, PATIENT_MISMATCH = "bad_name", "label_mismatch", "patient_mismatch"
UNREADABLE, TRUNCATED, TOO_LARGE = "unreadable", "truncated", "too_large"
ODD_FORMAT, ODD_MODE, ODD_SIZE, SLIVER = "odd_format", "odd_mode", "odd_size", "sliver"
NARROW_RANGE = "narrow_range"
DUPLICATE_WITHIN, DUPLICATE_ACROSS = "duplicate_within", "duplicate_across"
DUPLICATE_OPPOSITE, NEAR_DUPLICATE = "duplicate_opposite", "near_duplicate"
OVERLAP, ONE_CLASS = "overlap", "one_class"
NEAR_WHITE, NEAR_GREY, GLASS, INK = "near_white", "near_grey", "glass", "ink"
# Findings by the share of pixels of a kind, to the measure and the limit of that name.
OF_COLOUR = {NEAR_WHITE: "white", NEAR_GREY: "grey", GLASS: "colourless", INK: "ink"}
OF_H_AND_E = (NEAR_WHITE, NEAR_GREY, GLASS, INK)  # what means something in a stained section only
CORRECTED = RELABELLED, EXCLUDED = "relabelled", "excluded"
Masks = dict[str, NDArray[np.bool_]]


@dataclass(frozen=True)
class Finding:
    """A kind of finding.

    Attributes:
        meaning: What is the case, in a sentence.
        advice: What a user does about it.
        can_keep: Whether such a patch can be used at all.
        always: What is done about it, where that is no choice of the audit's.
    """

    meaning: str
    advice: str
    can_keep: bool = True
    always: Action | None = None


FINDINGS: dict[str, Finding] = {
    NOT_READ: Finding(
        "A file below the root that no patch is read from: not where patches lie, or no image.",
        "Move it to where it belongs, or out of the set.",
        can_keep=False,
    ),
    BAD_NAME: Finding(
        "The file's name does not follow the layout, so patient, position and label are unknown.",
        "Rename or remove the file.",
        can_keep=False,
    ),
    LABEL_MISMATCH: Finding(
        "The class in the file's name is not that of its folder; the name's is taken.",
        "Find out which is right and move or rename the file.",
    ),
    PATIENT_MISMATCH: Finding(
        "The patient in the file's name is not that of its folder; the name's is taken.",
        "Move or rename the file: a patch under the wrong patient leaks between splits.",
    ),
    UNREADABLE: Finding(
        "The file is empty, cannot be opened or is no whole image.",
        "Replace the file.",
        can_keep=False,
    ),
    TRUNCATED: Finding("The PNG ends early.", "Replace the file.", can_keep=False),
    TOO_LARGE: Finding(
        "The image has more pixels than data.max_pixels, so it is not decoded.",
        "Cut it into patches, or raise data.max_pixels.",
        can_keep=False,
    ),
    ODD_FORMAT: Finding(
        "The file holds another format than its name says, such as a JPEG named .png.",
        "Find out how it came into the set: lossy compression leaves marks that a network learns.",
    ),
    ODD_MODE: Finding(
        "The image has another mode than the rest, or, of H&E, than 8-bit RGB; it is converted.",
        "Find out how it came into the set.",
    ),
    NARROW_RANGE: Finding(
        "The values of these images of more than 8 bits use little of the range that becomes "
        "black to white (all of 16 bits, 0 to 1 of floating point), or lie beyond it: they are "
        "nearly black, or lose detail.",
        "Set data.window=[CENTRE,WIDTH], such as [2048,4096] for 12 bits.",
    ),
    ODD_SIZE: Finding(
        "The image has another size than the rest; data.edge says how it is fitted.",
        "Nothing, if it lies at the edge of a slide.",
    ),
    SLIVER: Finding(
        "The image is so small against the rest that it shows next to nothing of the tissue.",
        "Nothing, if it lies at the edge of a slide; audit.limits.sliver says what is small.",
    ),
    DUPLICATE_WITHIN: Finding(
        "The same pixels as an earlier patch of the same patient.",
        "Drop them if a place was saved twice.",
    ),
    DUPLICATE_ACROSS: Finding(
        "The same pixels as a patch of another patient: a leak between splits.",
        "Find out whose it is; drop them.",
    ),
    DUPLICATE_OPPOSITE: Finding(
        "The same pixels stand in the set with another label too.",
        "Find out which label is right; drop them.",
    ),
    NEAR_DUPLICATE: Finding(
        "Nearly the same pixels as a patch of another patient (perceptual hash, then difference).",
        "Look at the pair; drop it if both show one place.",
    ),
    OVERLAP: Finding(
        "The patch covers a part of an earlier patch of the same slide.",
        "Nothing, if the set was cut with overlap: a patient is in one split only.",
    ),
    ONE_CLASS: Finding(
        "The patient has patches of one class only.",
        "Do not test on such patients alone: recall or specificity cannot be measured.",
    ),
    NEAR_WHITE: Finding("Nearly all of the patch is white.", "Look at the grid."),
    NEAR_GREY: Finding(
        "Most of the patch is grey: out of focus, unstained or a scanner's artefact.",
        "Look at the grid.",
    ),
    GLASS: Finding("Almost no pixel has colour: bare glass or the slide's edge.", "Look at them."),
    INK: Finding(
        "Some of the patch has colours of marking ink, which neither stain has.", "Look at them."
    ),
    RELABELLED: Finding(
        "The label is not the data set's: data.corrections changed it.",
        "Nothing; numbers on such patches cannot be compared with those on the first labels.",
        always="keep",
    ),
    EXCLUDED: Finding("data.corrections leaves the patch out.", "Nothing.", always="drop"),
}


def join(names: Iterable[str]) -> str:
    """Findings as the index keeps them: names joined by commas."""
    return ",".join(names)


def masks(checks: "pd.Series[str]") -> dict[str, NDArray[np.bool_]]:
    """The rows of each finding that occurs.

    Args:
        checks: The index's ``checks``.

    Returns:
        Name to bool (N,), in the order of `FINDINGS`.
    """
    codes, texts = pd.factorize(checks)
    rows: dict[str, NDArray[np.bool_]] = {}
    for name in FINDINGS:
        has = np.array([name in str(text).split(",") for text in texts], bool)
        if has.any():
            rows[name] = has[codes]
    return rows


def as_checks(rows: Mapping[str, NDArray[np.bool_]], count: int) -> "pd.Series[str]":
    """The inverse of `masks`: a categorical column, str (count,)."""
    names = [name for name in FINDINGS if name in rows]
    code = np.zeros(count, np.int64)
    for bit, name in enumerate(names):
        code |= rows[name].astype(np.int64) << bit
    values, inverse = np.unique(code, return_inverse=True)
    texts = [join(n for bit, n in enumerate(names) if value >> bit & 1) for value in values]
    return pd.Series(pd.Categorical.from_codes(inverse, categories=pd.Index(texts)))
