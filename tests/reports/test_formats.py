"""Numbers as readers without training in statistics read them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idc.reports.formats import cell_text, duration, of_hundred


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567, "1,234,567"),
        (np.int64(12), "12"),
        (0.123456, "0.123"),
        (np.float32(0.5), "0.5"),
        (123456.7, "123,457"),
        (float("nan"), "-"),
        (np.float32("nan"), "-"),
        (None, "-"),
        (True, "yes"),
        ("as it is", "as it is"),
    ],
)
def test_cells(value: object, text: str) -> None:
    assert cell_text(value) == text


@given(st.floats(0, 1))
def test_all_and_none_are_exact(share: float) -> None:
    words = of_hundred(share)
    assert (words == "all") == (share == 1)
    assert (words == "none") == (share == 0)
    if words.isdigit():
        assert 1 <= int(words) <= 99
        assert abs(int(words) - 100 * share) <= 0.5000001


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "less than a second"), (1, "1 second"), (192, "3 minutes"), (7200, "2.0 hours")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words
