import warnings

import numpy as np
import pandas as pd
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from idc.data.split.folds import stratified_folds

COUNTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=14)


@given(COUNTS, st.integers(2, 6), st.integers(0, 50))
def test_it_is_stratified_group_k_fold(
    counts: list[tuple[int, int]], folds: int, seed: int
) -> None:
    patients = np.repeat([f"p{i:02d}" for i in range(len(counts))], np.sum(counts, axis=1))
    labels = np.concatenate([np.repeat([0, 1], row) for row in counts])
    assume(len(set(labels)) == 2)
    assume(len(set(patients)) >= folds)
    assume(max(np.bincount(labels)) >= folds)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [set(patients[chosen]) for _, chosen in splitter.split(labels, labels, patients)]
    assert stratified_folds(pd.crosstab(patients, labels), folds, seed) == expected
