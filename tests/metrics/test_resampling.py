"""Patients are drawn whole, in chunks, and each draw has the classes that occur."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idc.metrics import resampling
from idc.metrics.resampling import MAX_JACKKNIFE, patient_clusters


def test_patients_are_clusters_with_their_classes() -> None:
    clusters = patient_clusters(np.array([0, 2, 2, 0]), np.array(["b", "a", "b", "c"]))
    assert clusters.count == 3
    assert clusters.codes.tolist() == [1, 0, 1, 2]
    assert clusters.holds.tolist() == [[False, True], [True, True], [True, False]]


@given(count=st.integers(1, 30), draws=st.integers(1, 50), cells=st.integers(1, 200))
def test_each_draw_is_as_many_patients_in_chunks_of_bounded_size(
    count: int, draws: int, cells: int
) -> None:
    clusters = patient_clusters(np.zeros(count, int), np.arange(count))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resampling, "CHUNK_CELLS", cells)
        chunks = list(clusters.draws(draws, 7))
    assert sum(map(len, chunks)) == draws
    assert max(chunk.size for chunk in chunks) <= max(cells, count)
    for chunk in chunks:
        assert (chunk.sum(axis=1) == count).all()


def test_a_class_of_one_patient_is_in_every_draw() -> None:
    labels = np.repeat([1, 0], [1, 11])
    clusters = patient_clusters(labels, np.arange(12))
    (weights,) = clusters.draws(300, 0)
    assert (weights[:, np.flatnonzero(labels[:12])[0]] > 0).all()
    (again,), (other,) = clusters.draws(300, 0), clusters.draws(300, 1)
    assert np.array_equal(weights, again)
    assert not np.array_equal(weights, other)


@pytest.mark.parametrize(("count", "rows"), [(1, 0), (4, 4), (MAX_JACKKNIFE + 1, 0)])
def test_each_patient_is_left_out_once_where_that_matters(count: int, rows: int) -> None:
    clusters = patient_clusters(np.zeros(count, int), np.arange(count))
    weights = clusters.left_out()
    assert weights.shape == (rows, count)
    assert (weights.sum(axis=1) == count - 1).all()
    if rows:
        assert (weights.diagonal() == 0).all()
