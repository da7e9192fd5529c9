from itertools import combinations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from idc.data.audit.places import overlapping

ROW = st.tuples(
    st.sampled_from("ab"),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(1, 14),
    st.integers(1, 10),
)


@given(st.lists(ROW, max_size=25))
def test_overlaps_are_all_pairs_that_share_area(rows: list[tuple[str, int, int, int, int]]) -> None:
    """Against a look at every pair; sides above 10 count as 10."""
    index = pd.DataFrame(rows, columns=["patient", "x", "y", "width", "height"])
    cut = [(g, x, y, min(w, 10), min(h, 10)) for g, x, y, w, h in rows]
    expected = [
        [i, j]
        for (i, (g, x, y, w, h)), (j, (g2, x2, y2, w2, h2)) in combinations(enumerate(cut), 2)
        if g == g2 and x < x2 + w2 and x2 < x + w and y < y2 + h2 and y2 < y + h
    ]
    assert overlapping(index, 10).tolist() == expected
