"""What is in two splits: patients, the same pixels, nearly the same pixels.

A patch that a network has trained on is no test of it. So each run looks, after its splits are
made, for what crosses them, whatever the split promises.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.audit.audit import FLAT, Limits
from idc.data.audit.duplicates import first_of_equal, near_pairs
from idc.data.audit.findings import GLASS, NEAR_WHITE, masks
from idc.data.split.base import SPLITS, UNUSED, leaky_patients

PATIENTS, DUPLICATES, NEAR_DUPLICATES = "patients", "duplicates", "near_duplicates"
KINDS = (PATIENTS, DUPLICATES, NEAR_DUPLICATES)
DUPLICATE, NEAR_DUPLICATE = "duplicate", "near_duplicate"
COLUMNS = ["path", "split", "duplicate_of", "duplicate_split", "kind"]
SHOWN = 5
PATIENTS_UNKNOWN = (
    "The data do not say which images are of one patient, so each counts as a patient of its own: "
    "patients may be in two splits, and the numbers may be too good."
)
# The split where a duplicate tells most, for a patch of train, val and test.
SOUGHT = np.array([[2, 1], [2, 0], [0, 1]])
MEANING = {
    DUPLICATES: "{} patches have the same pixels as a patch in another split",
    NEAR_DUPLICATES: "{} patches look nearly the same as a patch in another split",
}
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Leaks:
    """What crosses the splits.

    Attributes:
        patients: The patients in two splits, sorted.
        table: A row for each patch that is in another split too, in the index's order:
            ``path``, ``split``, ``duplicate_of`` (str, the path of the first such patch there),
            ``duplicate_split``, and ``kind``: ``duplicate`` (the same pixels) or ``near_duplicate``
            (nearly the same, and not the same as any). A training patch is shown with its duplicate
            in test if there is one, else in val; one of val with its duplicate in test, else in
            train; one of test with its duplicate in train, else in val.
        of_patients: Number of all patients that are in a split.
        patients_known: Whether the data say which images are of one patient.
    """

    patients: tuple[str, ...]
    table: pd.DataFrame
    of_patients: int
    patients_known: bool = True

    def counts(self) -> dict[str, int]:
        """Patients in two splits, and patches with a duplicate or near-duplicate on another."""
        kinds = self.table["kind"].value_counts()
        return {
            PATIENTS: len(self.patients),
            DUPLICATES: int(kinds.get(DUPLICATE, 0)),
            NEAR_DUPLICATES: int(kinds.get(NEAR_DUPLICATE, 0)),
        }

    def sentences(self) -> list[str]:
        """What crosses, one sentence per kind, with examples; empty if nothing does."""
        unknown = [] if self.patients_known else [PATIENTS_UNKNOWN]
        return unknown + [self.sentence(kind) for kind, count in self.counts().items() if count]

    def rows(self, kind: str) -> pd.DataFrame:
        """The part of `table` of ``duplicates`` or ``near_duplicates``."""
        return self.table[self.table["kind"] + "s" == kind]

    def sentence(self, kind: str) -> str:
        """What crosses of one kind that occurs, with an example."""
        if kind == PATIENTS:
            return (
                f"{len(self.patients)} of {self.of_patients} patients are in two splits, such as "
                f"{', '.join(self.patients[:SHOWN])}: the numbers are too good."
            )
        rows = self.rows(kind)
        splits = ", ".join(
            f"{count} of {split}"
            for split in SPLITS
            if (count := int((rows["split"] == split).sum()))
        )
        one = rows.iloc[0]
        return (
            f"{MEANING[kind].format(len(rows))} ({splits}), such as {one['path']} ({one['split']}) "
            f"and {one['duplicate_of']} ({one['duplicate_split']})."
        )


def no_leaks(index: pd.DataFrame) -> Leaks:
    """Of data that are not divided."""
    return Leaks((), pd.DataFrame(columns=COLUMNS), index["patient"].nunique())


def find_leaks(
    index: pd.DataFrame,
    patches: NDArray[np.uint8],
    limits: Limits,
    patients_known: bool = True,
) -> Leaks:
    """Look for what crosses the splits.

    Near-duplicates are what the audit calls so, but between splits in place of patients, so that
    those inside a patient are found in a leaky split too: glass and flat patches are not compared,
    perceptual hashes differ in few bits and pixels by few grey levels. It costs half a second for
    277,524 patches. Patches of one patient that touch or overlap on the slide are not looked for;
    where they may be in two splits, the patient does.

    Args:
        index: ``path``, ``patient``, ``split``, ``checks``, and `idc.data.facts.measure`'s
            ``pixels``, ``perceptual``, ``std_r``, ``std_g``, ``std_b``; rows whose split is ""
            are ignored.
        patches: uint8 (N, P, P, 3), row for row.
        limits: Those of the audit: ``near_bits`` and ``near_difference`` are used.
        patients_known: Whether the data say which images are of one patient.
    """
    codes = {name: code for code, name in enumerate((UNUSED, *SPLITS), start=-1)}
    split = np.asarray(index["split"].map(codes), np.int64)
    used = np.flatnonzero(split >= 0)
    # Patches with the same pixels in one split are one patch here, the first of them.
    pixels = np.full(len(index), -1, np.int64)
    pixels[used] = used[first_of_equal(index["pixels"].to_numpy(np.uint64)[used])]
    first = np.full((len(index), len(SPLITS)), -1, np.int64)
    first[pixels[used[::-1]], split[used[::-1]]] = used[::-1]
    same = _duplicates(first[pixels], split, used)
    distinct = used[first[pixels[used], split[used]] == used]
    near = np.full((len(index), len(SPLITS)), -1, np.int64)
    pairs = _near_pairs(index, patches, limits, distinct, split)
    pairs = pairs[pixels[pairs[:, 0]] != pixels[pairs[:, 1]]]
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.argsort(both[:, 1], kind="stable")[::-1]]  # the first duplicate is written last
    near[both[:, 0], split[both[:, 1]]] = both[:, 1]
    alike = _duplicates(near[first[pixels, split]], split, used[same[used] < 0])
    return Leaks(
        tuple(leaky_patients(index[["patient", "split"]])),
        _table(index, same, alike),
        int(index["patient"].iloc[used].nunique()),
        patients_known,
    )


def _near_pairs(
    index: pd.DataFrame, patches: NDArray[np.uint8], limits: Limits, rows: Rows, split: Rows
) -> Rows:
    findings = masks(index["checks"])
    plain = index[["std_r", "std_g", "std_b"]].to_numpy().mean(axis=1) < FLAT
    for name in (NEAR_WHITE, GLASS):
        plain |= findings.get(name, False)
    hashes = index["perceptual"].to_numpy(np.uint64)
    rows = rows[~plain[rows]]
    return near_pairs(hashes, split, patches, rows, limits)


def _duplicates(candidates: Rows, split: Rows, rows: Rows) -> Rows:
    """For `rows`, the candidate (N, splits) in the split that tells most, else -1; int64 (N,)."""
    sought = SOUGHT[split[rows]]
    best, second = (candidates[rows, sought[:, i]] for i in (0, 1))
    duplicate = np.full(len(split), -1, np.int64)
    duplicate[rows] = np.where(best >= 0, best, second)
    return duplicate


def _table(index: pd.DataFrame, same: Rows, alike: Rows) -> pd.DataFrame:
    duplicate = np.maximum(same, alike)
    rows = np.flatnonzero(duplicate >= 0)
    path, split = (index[name].astype(object).to_numpy() for name in ("path", "split"))
    kind = np.where(same[rows] >= 0, DUPLICATE, NEAR_DUPLICATE).astype(object)
    values = (path[rows], split[rows], path[duplicate[rows]], split[duplicate[rows]], kind)
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)), columns=COLUMNS)
