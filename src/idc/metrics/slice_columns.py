"""Kinds of patches, by place, finding and stain: the slices in which errors may gather."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.metrics.decisions import share
from idc.metrics.regions import locate

LUMINANCE = np.array([0.299, 0.587, 0.114])
COLOURS = ["mean_r", "mean_g", "mean_b"]
LIGHT = 240  # of bare glass, as in Macenko et al. (2009)
NO_STAIN = 0.1  # summed optical density of three channels below which there is glass only
PLACES = (
    ("region", "tissue_edge", ("inside", "edge of tissue")),
    ("border", "class_border", ("within a class", "border between classes")),
)
# Name and the values from low to high.
THIRDS: dict[str, tuple[str, str, str]] = {
    "darkness": ("light", "medium dark", "dark"),
    "stain balance": ("more eosin", "balanced stain", "more haematoxylin"),
    "saturation": ("pale", "medium saturated", "saturated"),
}


def slice_columns(
    frame: pd.DataFrame,
    context: pd.DataFrame | None = None,
    reference: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Which slices each patch belongs to.

    Args:
        frame: Predictions with what is known of the patches; slices whose columns are missing are
            left out.
        context: All patches of the slides; see `idc.metrics.regions.locate`.
        reference: Patches whose thirds of darkness, stain balance and saturation make the cuts,
            such as the training split, so that "dark" means the same for every side; by default
            `frame`.

    Returns:
        A row a patch, indexed as `frame`; categorical columns, missing where a patch belongs to
        no value. ``region``: ``edge of tissue`` or ``inside``. ``border``: ``border between
        classes`` or ``within a class``. As a patch may have several findings, each has a column,
        ``finding/<name>``, of the one value ``<name>``, and ``finding/none`` holds ``no finding``;
        there is none of them if nothing was found. ``darkness``, ``stain balance`` and
        ``saturation``: thirds, see `THIRDS` and `stain_measures`.
    """
    columns: dict[str, pd.Series[str]] = {}
    places = locate(frame, context)
    for name, fact, values in PLACES:
        if places[fact].notna().any():
            codes = places[fact].to_numpy(np.float64, na_value=np.nan)
            columns[name] = _categorical(codes, values)
    if "checks" in frame:
        columns |= _findings(frame["checks"])
    measures = stain_measures(frame)
    known = measures if reference is None else stain_measures(reference)
    for name, thirds in THIRDS.items():
        if name not in measures or not np.isfinite(known.get(name, np.array([]))).any():
            continue
        low, high = np.nanquantile(known[name], [1 / 3, 2 / 3])
        if low < high:  # else there is nothing to tell thirds by
            third = np.searchsorted([low, high], measures[name]).astype(np.float64)
            columns[name] = _categorical(np.where(np.isnan(measures[name]), np.nan, third), thirds)
    return pd.DataFrame(columns, index=range(len(frame))).set_index(frame.index)


def stain_measures(frame: pd.DataFrame) -> Mapping[str, NDArray[np.float64]]:
    """Darkness, balance of the stains and saturation of patches, from their mean colours.

    Args:
        frame: ``mean_r``, ``mean_g``, ``mean_b`` in 0..255 and ``saturation`` in [0, 1], as far
            as they are there.

    Returns:
        Each float64 (N,). ``darkness``: 255 - luminance. ``stain balance``: the red channel's
        share of the summed optical density, a hue that does not depend on how much stain there is
        (van der Laak et al. 2000): haematoxylin takes up red, eosin hardly any, so it is 0.40 for
        the one and 0.06 for the other (Ruifrok & Johnston 2001); NaN for glass, which has no
        stain. ``saturation``: as given.
    """
    found: dict[str, NDArray[np.float64]] = {}
    if set(COLOURS) <= set(frame.columns):
        colour = frame[COLOURS].to_numpy(np.float64)
        found["darkness"] = 255 - colour @ LUMINANCE
        density = -np.log(colour.clip(1, LIGHT) / LIGHT)
        total = density.sum(1)
        found["stain balance"] = share(density[:, 0], np.where(total >= NO_STAIN, total, 0))
    if "saturation" in frame:
        found["saturation"] = frame["saturation"].to_numpy(np.float64)
    return found


def _categorical(codes: NDArray[np.float64], values: tuple[str, ...]) -> "pd.Series[str]":
    whole = np.where(np.isnan(codes), -1, codes).astype(np.int64)
    return pd.Series(pd.Categorical.from_codes(whole, categories=pd.Index(values)))


def _findings(checks: "pd.Series[str]") -> dict[str, "pd.Series[str]"]:
    codes, texts = pd.factorize(checks.astype(object).where(checks.notna(), "").astype(str))
    sets = [[part.strip() for part in str(text).split(",") if part.strip()] for text in texts]
    names = sorted({name for found in sets for name in found})
    flags = {f"finding/{name}": (name, [name in found for found in sets]) for name in names}
    if names:
        flags["finding/none"] = ("no finding", [not found for found in sets])
    return {
        column: _categorical(np.where(np.array(has, bool)[codes], 0.0, np.nan), (value,))
        for column, (value, has) in flags.items()
    }
