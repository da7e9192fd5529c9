"""Small indexes to split."""

import pandas as pd
from hypothesis import strategies as st


def index_of(counts: list[tuple[int, ...]]) -> pd.DataFrame:
    """An index of patients p0, p1, ... with so many patches of each class."""
    rows = [
        (f"p{i}/{label}/{n}.png", f"p{i}", label)
        for i, of_patient in enumerate(counts)
        for label, count in enumerate(of_patient)
        for n in range(count)
    ]
    return pd.DataFrame(rows, columns=["path", "patient", "label"])


EVEN = index_of([(8, 5)] * 10)
# Patients of both classes and of one, as in the real set.
PATIENTS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=6, max_size=14
).filter(lambda counts: min(map(sum, zip(*counts, strict=True))) >= 5)
