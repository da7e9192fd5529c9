"""The audit: every finding of a set, from its index and its facts."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.audit import findings as f
from idc.data.audit.duplicates import first_of_equal, near_pairs, overlapping, several_labels
from idc.data.decode import RGB, SUFFIXES, TOO_LARGE, TRUNCATED
from idc.data.index import has_positions, label_codes

FLAT = 8.0  # standard deviation, 0..255, below which a patch has no structure to compare
MOST_DIFFER = 0.5  # share of images of another size than the usual one, from which on none is usual
NARROW = 0.3  # of the range of more than 8 bits; a set of which no image uses more is nearly black
Limits = Mapping[str, float]  # from where on a measure is a finding: `audit.limits`


def audit(
    index: pd.DataFrame, patches: NDArray[np.uint8], limits: Limits, h_and_e: bool
) -> pd.DataFrame:
    """Find what is odd in a set.

    Args:
        index: What `Source.scan`, `Source.read` and `measure` return for each patch.
        patches: uint8 (N, P, P, 3), row for row.
        limits: See `idc.config.schema.data.Limits`.
        h_and_e: Whether the images are H&E sections, which are in 8-bit RGB; white, glass, grey
            and ink are looked for in these. In other sets the mode of most images is usual.

    Returns:
        The index with ``checks`` (str, see `idc.data.audit.findings`), the findings about the
        names among them, and ``duplicate_of`` (str: the path of the earlier patch that a duplicate
        or overlapping one repeats, else "").
    """
    count = len(index)
    findings = f.masks(index["checks"])
    readable = (index["problem"] == "").to_numpy(bool)
    findings[f.TRUNCATED] = (index["problem"] == TRUNCATED).to_numpy(bool)
    findings[f.TOO_LARGE] = (index["problem"] == TOO_LARGE).to_numpy(bool)
    findings[f.UNREADABLE] = ~readable & ~findings[f.TRUNCATED] & ~findings[f.TOO_LARGE]
    findings[f.ODD_FORMAT] = readable & _misnamed(index)
    usual_mode = RGB if h_and_e else _most(index.loc[readable, "mode"])
    findings[f.ODD_MODE] = readable & (index["mode"] != usual_mode).to_numpy(bool)
    findings[f.NARROW_RANGE] = readable & _narrow(index)
    sizes, usual = index[["width", "height"]].to_numpy(), usual_size(index)
    odd, areas = (sizes != usual).any(axis=1), sizes.astype(np.int64).prod(axis=1)
    alike = readable.any() and odd[readable].mean() < MOST_DIFFER
    findings[f.ODD_SIZE] = readable & odd & alike
    area = (
        usual[0] * usual[1] if alike else float(np.median(areas[readable])) if readable.any() else 1
    )
    findings[f.SLIVER] = readable & (areas < limits["sliver"] * area)
    for name, column in f.OF_COLOUR.items():
        applies = h_and_e or name not in f.OF_H_AND_E
        findings[name] = readable & applies & (index[column].to_numpy() >= limits[column])
    named = ~findings.get(f.BAD_NAME, np.zeros(count, bool))
    usable = np.flatnonzero(readable & named)
    duplicate = np.full(count, -1, np.int64)
    findings |= _repeated(index, usable, duplicate)
    findings |= _near(index, patches, usable, findings, duplicate, limits)
    findings[f.ONE_CLASS] = _spread(usable[one_class(index.iloc[usable])], count)
    if has_positions(index):
        findings |= _placed(index, usable, duplicate, max(usual))
    paths = index["path"].iloc[np.maximum(duplicate, 0)].reset_index(drop=True)
    duplicates = paths.where(pd.Series(duplicate >= 0), "")
    table = index.drop(columns="checks")
    return table.assign(checks=f.as_checks(findings, count), duplicate_of=duplicates)


def _narrow(index: pd.DataFrame) -> NDArray[np.bool_]:
    """The images of more than 8 bits whose range does not fit; see `Decoded.used`."""
    used = index["used"].to_numpy(np.float64)
    beyond = np.isinf(used)
    # One image may be dark; a set of which all are uses fewer bits than its files have.
    dark = np.nan_to_num(used[~beyond]).max(initial=0) < NARROW
    return np.asarray(beyond | (~np.isnan(used) & dark))


def suggested_window(index: pd.DataFrame) -> tuple[float, float]:
    """Centre and width that show what the images of more than 8 bits hold.

    Args:
        index: With ``low`` and ``high``; see `Decoded`.
    """
    low, high = float(index["low"].min()), float(index["high"].max())
    if low >= 0 and high > 1:
        width = float(2 ** int(np.ceil(np.log2(high + 1))))
        return width / 2, width
    return (low + high) / 2, max(high - low, 1e-6)


def _most(modes: "pd.Series[str]") -> str:
    """The mode that most images have."""
    return str(modes.mode().iloc[0]) if len(modes) else RGB


def usual_size(index: pd.DataFrame) -> tuple[int, int]:
    """Width and height in pixels that most files of a set have; (1, 1) if none can be read."""
    sizes = index.loc[index["problem"] == "", ["width", "height"]].value_counts()
    if sizes.empty:
        return 1, 1
    width, height = sizes.index[0]
    return int(width), int(height)


def _misnamed(index: pd.DataFrame) -> NDArray[np.bool_]:
    """The files whose name says another format than they hold; a drawn patch has none."""
    suffixes = index["path"].str.rpartition(".")[2].str.lower()
    kinds = index["format"]
    return ((kinds != "") & (kinds != suffixes.map(SUFFIXES).fillna(kinds))).to_numpy(bool)


def _repeated(
    index: pd.DataFrame, usable: NDArray[np.int64], duplicate: NDArray[np.int64]
) -> f.Masks:
    groups = pd.factorize(index["patient"])[0][usable].astype(np.int64)
    labels = label_codes(index)[usable]
    first = first_of_equal(index["pixels"].to_numpy(np.uint64)[usable])
    places = np.arange(len(usable))
    # A patient's first copy, by a number for each pair of pixels and patient.
    own = first_of_equal((first * (groups.max(initial=0) + 1) + groups).astype(np.uint64))
    duplicate[usable[first != places]] = usable[first[first != places]]
    return {
        f.DUPLICATE_WITHIN: _spread(usable[own != places], len(index)),
        f.DUPLICATE_ACROSS: _spread(usable[groups != groups[first]], len(index)),
        f.DUPLICATE_OPPOSITE: _spread(usable[several_labels(first, labels)], len(index)),
    }


def _near(
    index: pd.DataFrame,
    patches: NDArray[np.uint8],
    usable: NDArray[np.int64],
    findings: f.Masks,
    duplicate: NDArray[np.int64],
    limits: Limits,
) -> f.Masks:
    # Glass looks like glass: without structure, likeness says nothing. Equal pixels are known.
    deviation = index[["std_r", "std_g", "std_b"]].to_numpy().mean(axis=1)
    plain = findings[f.NEAR_WHITE] | findings[f.GLASS] | (deviation < FLAT)
    rows = usable[~plain[usable] & (duplicate[usable] < 0)]
    groups = pd.factorize(index["patient"])[0].astype(np.int64)
    hashes = index["perceptual"].to_numpy(np.uint64)
    pairs = near_pairs(hashes, groups, patches, rows, limits)
    duplicate[pairs[::-1, 1]] = pairs[::-1, 0]  # backwards: the earliest is the one that stays
    return {f.NEAR_DUPLICATE: _spread(pairs[:, 1], len(index))}


def _placed(
    index: pd.DataFrame, usable: NDArray[np.int64], duplicate: NDArray[np.int64], patch_size: int
) -> f.Masks:
    part = index.iloc[usable]
    pairs = usable[overlapping(part, patch_size)]
    alone = pairs[duplicate[pairs[:, 1]] < 0][::-1]
    duplicate[alone[:, 1]] = alone[:, 0]
    return {f.OVERLAP: _spread(pairs[:, 1], len(index))}


def one_class(index: pd.DataFrame) -> NDArray[np.bool_]:
    """The rows of patients whose images, two or more, are all of one class, bool (N,)."""
    labels = index.groupby("patient", observed=True)["label"]
    return np.asarray((labels.transform("nunique") == 1) & (labels.transform("size") > 1), bool)


def _spread(rows: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    mask = np.zeros(count, bool)
    mask[rows] = True
    return mask
