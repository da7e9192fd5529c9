"""Intervals and p-values of few and many patients, which agree."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idc.metrics.spread import Spread, effective_clusters, expanded_tail, p_from_tail


def test_tails_are_expanded_as_by_hesterberg() -> None:
    """Ten clusters: t = 2.262, sqrt(10 / 9) t = 2.384, and the normal leaves 0.0086 beyond it."""
    assert expanded_tail(0.95, 10) == pytest.approx(0.0086, abs=5e-5)
    assert expanded_tail(0.95, 1e6) == pytest.approx(0.025, abs=1e-5)


@given(st.floats(0.5, 0.999), st.floats(2, 500))
def test_p_turns_the_expansion(level: float, clusters: float) -> None:
    tail = expanded_tail(level, clusters)
    if tail > 1e-290:
        assert p_from_tail(tail, clusters) == pytest.approx(1 - level, rel=1e-6)


def test_unequal_patients_count_as_fewer_equal_ones() -> None:
    rng = np.random.default_rng(0)
    equal = np.mean([effective_clusters(rng.normal(size=40), 40) for _ in range(300)])
    assert 34 < equal < 40
    pull = rng.normal(size=(300, 40)) * np.repeat([3, 1], [8, 32])
    assert 15 < np.mean([effective_clusters(row, 40) for row in pull]) < 26
    assert effective_clusters(np.eye(40)[0], 40) < 5  # one patient makes it all
    assert effective_clusters(np.ones(40), 40) == 40
    assert effective_clusters(np.append(np.ones(39), np.nan), 40) == 2


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    draws=st.integers(42, 400),
    clusters=st.integers(2, 60),
    centre=st.floats(-4, 4),
    level=st.sampled_from([0.8, 0.9, 0.95]),
    left_out=st.booleans(),
    tied=st.booleans(),
)
def test_an_interval_leaves_out_0_exactly_when_p_is_small(
    seed: int, draws: int, clusters: int, centre: float, level: float, left_out: bool, tied: bool
) -> None:
    rng = np.random.default_rng(seed)
    drawn = rng.normal(centre, 1, draws).round(0 if tied else 12)
    without = rng.standard_t(2, clusters if left_out else 0)
    spread = Spread(centre, drawn, without, clusters)
    low, high = spread.interval(level)
    p = spread.p_value(level)
    assert 0 < p <= 1
    assert (low > 0 or high < 0) == (p < 1 - level)
