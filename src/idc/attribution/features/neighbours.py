"""Do a patch's neighbours in feature space share its label, or its patient?

Where the nearest patches are mostly those of the same patient, the features separate stains and
slides; where those of other patients share the label, they separate tissue.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from idc.errors import DataError

CHUNK = 1024  # queries at once
TIE = 1e-6  # similarities closer than this are equal: what float32 can resolve
Similar = NDArray[np.float32]


def neighbour_metrics(
    features: NDArray[np.floating],
    labels: NDArray[np.integer],
    patients: NDArray[Any],
    k: int = 10,
) -> dict[str, float]:
    """Shares of nearest neighbours, by cosine similarity in the whole space of the features.

    Each is a mean over patches, in [0, 1]:

    - ``neighbours_same_patient``: of a patch's k nearest others, the share from its own patient.
      Chance: the share of its patient among all others.
    - ``neighbours_same_label``: of the same k, the share with its label. Chance: as above.
    - ``neighbours_same_label_other_patients``: of the k nearest patches *of other patients*, the
      share with its label. Chance: the share of its label among the patches of other patients.

    The chance levels have the same names with ``_chance``. Where similarities are equal at the
    k-th place, the equal ones count in part, so that the order of the patches never matters and
    features that are all alike give chance exactly. A vector of zeros is equally far from all.
    Where there are fewer than k, all count.

    Args:
        features: float (N, F), finite; time grows with the square of N.
        labels: int (N,).
        patients: Patient of each patch, (N,).
        k: Neighbours.

    Returns:
        Name to value, never NaN: what is undefined is left out (the last pair with one patient
        only, everything with fewer than two patches).

    Raises:
        DataError: A feature is not finite, or lengths differ.
    """
    if not len(features) == len(labels) == len(patients):
        raise DataError("neighbours: give one label and one patient for each row of features.")
    if not np.isfinite(features).all():
        raise DataError("neighbours: some features are not finite.")
    if (count := len(features)) < 2:
        return {}
    unit = _unit(np.asarray(features, np.float32))
    label = np.unique(labels, return_inverse=True)[1]
    patient = np.unique(np.asarray(patients, str), return_inverse=True)[1]
    columns: dict[str, list[NDArray[np.float64]]] = {}
    for start in range(0, count, CHUNK):
        part = np.arange(start, min(start + CHUNK, count))
        near = np.rint(unit[part] @ unit.T / np.float32(TIE))
        same_patient = patient[part, None] == patient
        same_label = label[part, None] == label
        others = np.ones_like(same_patient)
        others[np.arange(len(part)), part] = False
        for name, same, among in (
            ("neighbours_same_patient", same_patient, others),
            ("neighbours_same_label", same_label, others),
            ("neighbours_same_label_other_patients", same_label, ~same_patient),
        ):
            some = among.any(1)
            shares = _shares(near[some], same[some], among[some], k)
            columns.setdefault(name, []).append(shares)
            chance = (same & among)[some].sum(1) / among[some].sum(1)
            columns.setdefault(f"{name}_chance", []).append(chance)
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    return {name: float(values.mean()) for name, values in joined.items() if len(values)}


def _unit(features: Similar) -> Similar:
    """Vectors of length 1; those of length 0 stay."""
    # First by the largest entry: squares of large ones would overflow.
    largest = np.abs(features).max(1, keepdims=True, initial=0.0)
    scaled = features / np.where(largest > 0, largest, 1)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return np.asarray(scaled / np.where(length > 0, length, 1), np.float32)


def _shares(
    near: Similar, same: NDArray[np.bool_], among: NDArray[np.bool_], k: int
) -> NDArray[np.float64]:
    """Of each row's k nearest, the expected share of the same, with ties drawn by lot."""
    if not len(near):
        return np.zeros(0)
    near = np.where(among, near, -np.inf)
    places = np.minimum(k, among.sum(1))
    top = min(k, near.shape[1])
    best = -np.sort(-np.partition(near, near.shape[1] - top, axis=1)[:, -top:], axis=1)
    edge = best[np.arange(len(near)), places - 1][:, None]
    nearer, tied = near > edge, near == edge
    left = places - nearer.sum(1)
    lot = left * (tied & same).sum(1) / tied.sum(1)
    return np.asarray(((nearer & same).sum(1) + lot) / places)
