"""The numbers behind the EDA report's figures and sentences."""

import cv2
import numpy as np
import pandas as pd

from idc.data.split.base import SPLITS

MOSTLY_WHITE = 0.5  # share of white pixels above which a patch is mostly glass
CHANNELS = ("mean_r", "mean_g", "mean_b")


def kept(index: pd.DataFrame) -> pd.DataFrame:
    """The rows that are not dropped."""
    return index[index["decision"] == "keep"]


def has_split(index: pd.DataFrame) -> bool:
    """Whether the patches have been divided into splits."""
    return bool((kept(index)["split"] != "").any())


def set_counts(index: pd.DataFrame, class_names: tuple[str, ...]) -> pd.DataFrame:
    """Patches of each class (columns) in all, kept, and in each split (rows)."""
    parts = {"all patches": index}
    remaining = kept(index)
    if len(remaining) < len(index):
        parts["kept"] = remaining
    if has_split(index):
        parts |= {split: remaining[remaining["split"] == split] for split in SPLITS}
    labels_of_parts = [part.loc[part["label"] >= 0, "label"] for part in parts.values()]
    counts = [np.bincount(labels, minlength=len(class_names)) for labels in labels_of_parts]
    return pd.DataFrame(np.stack(counts), index=list(parts), columns=list(class_names))


def patient_counts(index: pd.DataFrame, class_names: tuple[str, ...]) -> pd.DataFrame:
    """Kept patches of each class (columns, by name) of each patient (rows)."""
    remaining = kept(index)
    table = pd.crosstab(remaining["patient"], remaining["label"])
    table = table.reindex(columns=range(len(class_names)), fill_value=0)
    return table.set_axis(list(class_names), axis=1)


def tissue(index: pd.DataFrame) -> pd.DataFrame:
    """Kept patches that are not mostly white, with ``lab_a`` and ``lab_b`` of their mean colour."""
    remaining = kept(index)
    stained = remaining[remaining["white"] <= MOSTLY_WHITE]
    colour = stained[list(CHANNELS)].to_numpy(np.float32) / 255
    if len(colour):
        lab = cv2.cvtColor(colour[None], cv2.COLOR_RGB2LAB)[0]
    else:
        lab = np.zeros((0, 3), np.float32)
    return stained.assign(lab_a=lab[:, 1], lab_b=lab[:, 2])


def colour_stats(index: pd.DataFrame) -> pd.DataFrame:
    """Mean colour of each patient and class, and its spread between the patient's patches.

    Returns:
        One row per patient and class: ``patient``, ``label``, ``patches``, ``saturation``,
        ``mean_r``, ``mean_g``, ``mean_b``, ``lab_a``, ``lab_b``, and their standard deviations
        between patches ``spread_r``, ``spread_g``, ``spread_b``, ``spread_lab_a``,
        ``spread_lab_b`` (0 for a single patch).
    """
    columns = [*CHANNELS, "lab_a", "lab_b"]
    grouped = tissue(index).groupby(["patient", "label"], sort=True)
    means = grouped[[*columns, "saturation"]].mean()
    spreads = grouped[columns].std().fillna(0.0)
    spreads.columns = pd.Index([f"spread_{c.removeprefix('mean_')}" for c in columns])
    return means.join(spreads).assign(patches=grouped.size()).reset_index()


def dark_to_light(stats: pd.DataFrame) -> list[str]:
    """Patients by mean green, which both stains absorb: the most strongly stained first."""
    weighted = stats["mean_g"] * stats["patches"]
    sums = pd.DataFrame({"patient": stats["patient"], "sum": weighted, "patches": stats["patches"]})
    total = sums.groupby("patient").sum()
    return list((total["sum"] / total["patches"]).sort_values(kind="stable").index)


def drift(stats: pd.DataFrame) -> pd.DataFrame:
    """Variation of colour between patients, between patches and between classes.

    Returns:
        One row per channel: ``channel``; ``between patients``, the standard deviation of the
        patients' means within a class (mean over the classes with two or more patients);
        ``between patches``, that of a patient's patches (mean over patients and classes);
        ``between classes``, the mean distance of two classes within a patient (over patients with
        both; NaN if there is none). On the scale of the channel, 0..255.
    """
    rows = []
    for word, key in (("red", "r"), ("green", "g"), ("blue", "b")):
        wide = stats.set_index(["patient", "label"])[f"mean_{key}"].unstack()  # noqa: PD010
        gaps = [
            (wide[one] - wide[other]).abs()
            for i, one in enumerate(wide.columns)
            for other in wide.columns[:i]
        ]
        apart = pd.concat(gaps).mean() if gaps else float("nan")
        rows.append((word, wide.std().mean(), stats[f"spread_{key}"].mean(), apart))
    names = ["channel", "between patients", "between patches", "between classes"]
    return pd.DataFrame(rows, columns=names)


def patient_table(index: pd.DataFrame, class_names: tuple[str, ...]) -> pd.DataFrame:
    """One row per patient: patches of each class, share, dropped, split, mean colour."""
    table = index.groupby("patient").agg(
        patches=("label", "size"), dropped=("decision", lambda d: int((d == "drop").sum()))
    )
    counts = patient_counts(index, class_names).reindex(table.index, fill_value=0)
    totals = counts.sum(axis=1)
    last = class_names[-1]
    share = 100 * counts[last] / totals.where(totals > 0)
    colour = tissue(index).groupby("patient")[[*CHANNELS, "saturation"]].mean()
    split = kept(index).groupby("patient")["split"].first().reindex(table.index).fillna("")
    names = ["mean red", "mean green", "mean blue", "saturation"]
    result = counts.assign(
        **{f"% {last}": share.round(1), "dropped": table["dropped"], "split": split}
    ).join(colour.round(2).set_axis(names, axis=1))
    result.insert(0, "all patches", table["patches"])
    if not has_split(index):
        result = result.drop(columns="split")
    return result.rename_axis("patient").reset_index()
