"""Slices of patches by position, audit finding and stain, in which errors may cluster."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.metrics.grouped import share
from idc.metrics.tissue_position import locate

LUMINANCE = np.array([0.299, 0.587, 0.114])
COLOURS = ["mean_r", "mean_g", "mean_b"]
LIGHT = 240  # of bare glass, as in Macenko et al. (2009)
NO_STAIN = 0.1  # summed optical density of three channels below which there is glass only
POSITIONS = (
    ("region", "tissue_edge", ("inside", "edge of tissue")),
    ("border", "class_border", ("within a class", "border between classes")),
)
# Name and the values from low to high.
TERCILES: dict[str, tuple[str, str, str]] = {
    "darkness": ("light", "medium dark", "dark"),
    "stain balance": ("more eosin", "balanced stain", "more haematoxylin"),
    "saturation": ("pale", "medium saturated", "saturated"),
}


def slice_columns(
    frame: pd.DataFrame,
    context: pd.DataFrame | None = None,
    reference: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Assign each patch to slices.

    Args:
        frame: Predictions with the columns of the index; slices whose columns are missing are left
            out.
        context: All patches of the slides; see `idc.metrics.tissue_position.locate`.
        reference: Patches whose terciles of darkness, stain balance and saturation are used, such
            as the training split, so that "dark" means the same in every split; by default
            `frame`.

    Returns:
        One row per patch, indexed as `frame`; categorical columns, missing for patches in no
        slice. ``region``: ``edge of tissue`` or ``inside``. ``border``: ``border between classes``
        or ``within a class``. As a patch may have several findings, each finding has a column,
        ``finding/<name>``, with the one value ``<name>``, and ``finding/none`` has the value ``no
        finding``; without any finding these columns are left out. ``darkness``, ``stain balance``
        and ``saturation``: terciles, see `TERCILES` and `stain_measures`.
    """
    columns: dict[str, pd.Series[str]] = {}
    positions = locate(frame, context)
    for name, fact, values in POSITIONS:
        if positions[fact].notna().any():
            codes = positions[fact].to_numpy(np.float64, na_value=np.nan)
            columns[name] = _categorical(codes, values)
    if "checks" in frame:
        columns |= _findings(frame["checks"])
    measures = stain_measures(frame)
    cuts = measures if reference is None else stain_measures(reference)
    for name, terciles in TERCILES.items():
        if name == "stain balance" and "stain" in frame:
            continue  # not H&E: see idc.data.index
        if name not in measures or not np.isfinite(cuts.get(name, np.array([]))).any():
            continue
        low, high = np.nanquantile(cuts[name], [1 / 3, 2 / 3])
        if low < high:  # else the terciles are undefined
            tercile = np.searchsorted([low, high], measures[name]).astype(np.float64)
            tercile[np.isnan(measures[name])] = np.nan
            columns[name] = _categorical(tercile, terciles)
    return pd.DataFrame(columns, index=range(len(frame))).set_index(frame.index)


def stain_measures(frame: pd.DataFrame) -> Mapping[str, NDArray[np.float64]]:
    """Darkness, stain balance and saturation of patches, from their mean colours.

    Args:
        frame: ``mean_r``, ``mean_g``, ``mean_b`` in 0..255 and ``saturation`` in [0, 1], if
            present.

    Returns:
        Each float64 (N,). ``darkness``: 255 - luminance. ``stain balance``: the red channel's share
        of the summed optical density, a hue that does not depend on how much stain there is (van
        der Laak et al. 2000): haematoxylin absorbs red, eosin hardly any, so it is 0.40 for the one
        and 0.06 for the other (Ruifrok & Johnston 2001); NaN for glass, which has no stain.
        ``saturation``: as given.
    """
    measures: dict[str, NDArray[np.float64]] = {}
    if set(COLOURS) <= set(frame.columns):
        colour = frame[COLOURS].to_numpy(np.float64)
        measures["darkness"] = 255 - colour @ LUMINANCE
        density = -np.log(colour.clip(1, LIGHT) / LIGHT)
        total = density.sum(1)
        measures["stain balance"] = share(density[:, 0], np.where(total >= NO_STAIN, total, 0))
    if "saturation" in frame:
        measures["saturation"] = frame["saturation"].to_numpy(np.float64)
    return measures


def _categorical(codes: NDArray[np.float64], values: tuple[str, ...]) -> "pd.Series[str]":
    whole = np.where(np.isnan(codes), -1, codes).astype(np.int64)
    return pd.Series(pd.Categorical.from_codes(whole, categories=pd.Index(values)))


def _findings(checks: "pd.Series[str]") -> dict[str, "pd.Series[str]"]:
    codes, texts = pd.factorize(checks.astype(object).where(checks.notna(), "").astype(str))
    sets = [[part.strip() for part in str(text).split(",") if part.strip()] for text in texts]
    names = sorted({name for findings in sets for name in findings})
    flags = {f"finding/{name}": (name, [name in findings for findings in sets]) for name in names}
    if names:
        flags["finding/none"] = ("no finding", [not findings for findings in sets])
    return {
        column: _categorical(np.where(np.array(member, bool)[codes], 0.0, np.nan), (value,))
        for column, (value, member) in flags.items()
    }
