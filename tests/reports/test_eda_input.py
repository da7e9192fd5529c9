"""An audited data set, row for row with its patches."""

from dataclasses import replace

from eda_cases import flag, make


def test_rows_are_numbered_as_the_patches_whatever_their_index() -> None:
    data = flag(make(), [2, 5], "near_white")
    shifted = replace(data, index=data.index.set_axis(range(100, 148)))
    assert shifted.numbered().index.tolist() == list(range(48))
    assert shifted.flagged("near_white").index.tolist() == [2, 5]


def test_a_finding_is_a_whole_name() -> None:
    data = flag(flag(make(), [0], "near_white"), [0, 1], "ink")
    assert data.flagged("ink").index.tolist() == [0, 1]
    assert data.flagged("near_white").index.tolist() == [0]
    assert data.flagged("white").empty
