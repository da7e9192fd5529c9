"""Seeds that differ wherever one part differs."""

from hypothesis import assume, given
from hypothesis import strategies as st

from idc.runtime.seeding import derive_seed

PARTS = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4)


@given(PARTS)
def test_a_seed_is_the_same_again_and_in_numpys_range(parts: list[int]) -> None:
    assert derive_seed(*parts) == derive_seed(*parts)
    assert 0 <= derive_seed(*parts) < 2**32


@given(st.integers(0, 2**31), st.integers(0, 2**31))
def test_order_counts(one: int, other: int) -> None:
    assume(one != other)
    assert derive_seed(one, other) != derive_seed(other, one)


def test_epochs_of_neighbouring_seeds_do_not_meet() -> None:
    seeds = {derive_seed(seed, epoch) for seed in range(30) for epoch in range(30)}
    assert len(seeds) == 900
