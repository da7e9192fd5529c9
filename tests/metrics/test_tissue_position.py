"""Edges of tissue and borders of classes are found on grids of any step, crooked ones too."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from idc.metrics.tissue_position import locate


def slide(grid: np.ndarray, patient: str = "a", step: int = 50, corner: int = 1) -> pd.DataFrame:
    """Patches where the grid of labels is not negative."""
    row, column = np.nonzero(grid >= 0)
    return pd.DataFrame(
        {
            "patient": patient,
            "x": column * step + corner,
            "y": row * step + corner,
            "label": grid[row, column].astype(np.int64),
        }
    )


def by_looking(grid: np.ndarray) -> pd.DataFrame:
    """The same, place by place."""
    ring = np.pad(grid, 1, constant_values=-1)
    rows = []
    for r, c in zip(*np.nonzero(grid >= 0), strict=True):
        near = ring[r : r + 3, c : c + 3]
        rows.append(
            (
                bool((near < 0).any()),
                bool(((near >= 0) & (near != grid[r, c])).any()),
            )
        )
    return pd.DataFrame(rows, columns=["tissue_edge", "class_border"])


def same(result: pd.DataFrame, expected: pd.DataFrame) -> bool:
    return bool((result.to_numpy(int) == expected.to_numpy(int)).all())


grids = hnp.arrays(np.int64, (7, 8), elements=st.sampled_from([-1, 0, 0, 0, 1, 1, 2]))


@settings(max_examples=30, deadline=None)
@given(grids, st.integers(2, 300), st.integers(-40, 900))
def test_all_places_agree_with_looking_at_each(grid: np.ndarray, step: int, corner: int) -> None:
    # A block of tissue beside it fixes the step, so that any other pattern may lie in the grid.
    whole = np.full((7, 14), -1)
    whole[:, :8] = grid
    whole[2:6, 10:14] = 0
    assert same(locate(slide(whole, step=step, corner=corner)), by_looking(whole))


@settings(max_examples=12, deadline=None)
@given(grids, st.integers(0, 1000))
def test_a_jittered_grid_gives_the_same_positions(grid: np.ndarray, seed: int) -> None:
    whole = np.zeros((7, 40), np.int64)
    whole[:, :8] = grid
    patches = slide(whole)
    drift = 1.03 * patches[["x", "y"]] + np.random.default_rng(seed).integers(
        -4, 5, (len(patches), 2)
    )
    crooked = patches.assign(**drift.astype(int))
    assert same(locate(crooked), by_looking(whole))


def test_slides_differ_in_their_step_and_do_not_touch() -> None:
    one, two = np.zeros((5, 5), np.int64), np.ones((6, 4), np.int64)
    one[0, 0] = 1
    both = pd.concat([slide(one, "a", 50), slide(two, "b", 224)], ignore_index=True)
    order = np.random.default_rng(0).permutation(len(both))
    result = locate(both.iloc[order]).sort_index()
    assert same(result.iloc[:25], by_looking(one))
    assert same(result.iloc[25:], by_looking(two))
    assert not result["class_border"][25:].any()


def test_neighbours_are_looked_up_among_all_patches_of_the_slide() -> None:
    grid = np.zeros((5, 5), np.int64)
    grid[2, 3] = 1
    whole = slide(grid)
    middle = whole[(whole["x"] == 101) & (whole["y"] == 101)]
    result = locate(middle, whole)
    assert result.index.tolist() == middle.index.tolist()
    assert result["tissue_edge"].tolist() == [False]
    assert result["class_border"].tolist() == [True]
    unknown = whole.assign(label=np.where(whole["label"] == 1, -1, 0))
    assert locate(middle, unknown)["tissue_edge"].tolist() == [True]


def test_a_place_held_twice_is_one_place_of_two_labels() -> None:
    grid = np.zeros((3, 3), np.int64)
    twice = pd.concat([slide(grid), slide(grid).iloc[[4]].assign(label=1)], ignore_index=True)
    result = locate(twice)
    assert result["tissue_edge"].tolist() == [True] * 4 + [False] + [True] * 4 + [False]
    # All around the middle see its label 1; it sees only zeros itself.
    assert result["class_border"].tolist() == [True] * 4 + [False] + [True] * 4 + [True]


def test_what_has_no_position_is_unknown() -> None:
    grid = slide(np.zeros((3, 3), np.int64))
    stacked = pd.DataFrame({"patient": "b", "x": 0, "y": 0, "label": [0, 1, 1]})
    alone = pd.DataFrame({"patient": "c", "x": [7], "y": [7], "label": [0]})
    frame = pd.concat([grid, stacked, alone], ignore_index=True)
    result = locate(frame)
    assert result[:9].notna().all(axis=None)
    assert result[9:].isna().all(axis=None)
    frame["x"] = frame["x"].astype(float)
    frame.loc[0, "x"] = np.nan
    assert locate(frame).loc[0].isna().all()
    assert locate(frame.drop(columns="x")).isna().all(axis=None)
    assert locate(grid, frame.drop(columns="x")).isna().all(axis=None)
    assert len(locate(grid.head(0))) == 0


def test_two_patches_far_apart_are_no_neighbours() -> None:
    whole = slide(np.zeros((4, 4), np.int64))
    far = pd.DataFrame({"patient": "b", "x": [0, 3000], "y": [0, 3000], "label": [0, 1]})
    result = locate(pd.concat([whole, far], ignore_index=True))
    assert result["class_border"].tolist() == [False] * 18
    assert result["tissue_edge"][16:].all()


def test_many_slides_are_kept_apart() -> None:
    side, slides = 56, 20  # a quarter of the real set
    grid = np.zeros((side, side), np.int64)
    grid[:, : side // 3] = 1
    whole = pd.concat([slide(grid, str(i)) for i in range(slides)], ignore_index=True)
    result = locate(whole)
    assert result["tissue_edge"].sum() == slides * 4 * (side - 1)
    assert result["class_border"].sum() == slides * 2 * side
