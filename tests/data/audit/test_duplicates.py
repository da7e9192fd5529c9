from functools import reduce
from itertools import combinations
from operator import xor

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from idc.data.audit.duplicates import first_of_equal, near_pairs, overlapping, several_labels

SMALL = st.lists(st.integers(0, 5), min_size=1, max_size=30)


@given(SMALL)
def test_first_of_equal_is_the_first(values: list[int]) -> None:
    first = first_of_equal(np.array(values, np.uint64))
    assert first.tolist() == [values.index(v) for v in values]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1)), min_size=1, max_size=30))
def test_several_labels(rows: list[tuple[int, int]]) -> None:
    values, labels = np.array(rows).T
    found = several_labels(first_of_equal(values.astype(np.uint64)), labels)
    expected = [len({label for v, label in rows if v == value}) > 1 for value, _ in rows]
    assert found.tolist() == expected


@given(st.data())
def test_near_pairs_are_all_pairs_within_the_distance(data: st.DataObject) -> None:
    """Against a look at every pair; hashes a few flipped bits from a few centres."""
    bits = data.draw(st.integers(0, 6))
    centres = data.draw(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=3))
    flips = st.lists(st.integers(0, 63), max_size=5)
    rows = data.draw(
        st.lists(st.tuples(st.sampled_from(centres), flips, st.integers(0, 2)), max_size=25)
    )
    hashes = np.array(
        [reduce(xor, (1 << b for b in flip), centre) for centre, flip, _ in rows],
        np.uint64,
    )
    groups = np.array([group for *_, group in rows], np.int64)
    grey = (np.arange(len(rows)) % 4 * 20).astype(np.uint8)
    patches = np.broadcast_to(grey[:, None, None, None], (len(rows), 2, 2, 3))
    limits = {"near_bits": bits, "near_difference": 25.0}
    found = near_pairs(hashes, groups, patches, np.arange(len(rows)), limits)
    expected = [
        [i, j]
        for i, j in combinations(range(len(rows)), 2)
        if groups[i] != groups[j]
        and int(hashes[i] ^ hashes[j]).bit_count() <= bits
        and abs(int(grey[i]) - int(grey[j])) <= 25
    ]
    assert found.tolist() == expected


PLACES = st.tuples(
    st.sampled_from("ab"),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(1, 14),
    st.integers(1, 10),
)


@given(st.lists(PLACES, max_size=25))
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
