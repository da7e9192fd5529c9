"""Connected regions of patches: their size, what they hold, and lesions that were missed whole."""

import pandas as pd
import pytest

from idc.slides.positive_regions import area_table, call_regions, label_regions, number_regions


def slide(picture: str, patient: str = "8863", left: int = 101, top: int = 51) -> pd.DataFrame:
    """B: labelled and called, L: labelled, C: called, '.': neither, space: no patch."""
    rows = [
        {
            "patient": patient,
            "x": left + 50 * j,
            "y": top + 50 * i,
            "label": int(sign in "BL"),
            "predicted": int(sign in "BC"),
            "score": 0.9 if sign in "BC" else 0.2,
        }
        for i, line in enumerate(picture.split("|"))
        for j, sign in enumerate(line)
        if sign != " "
    ]
    return pd.DataFrame(rows)


def test_patches_that_touch_belong_together() -> None:
    frame = slide("C.C|.C.|...|CC ")
    assert number_regions(frame, 50).tolist() == [1, 0, 1, 0, 1, 0, 0, 0, 0, 2, 2]


def test_a_gap_parts_and_the_largest_comes_first() -> None:
    frame = slide("C .CC|C .. |. ..C|   ..")
    table = call_regions(frame, 50)
    assert table["patches"].tolist() == [2, 2, 1]
    # Equal ones: the one that lies higher and to the left.
    assert table["x0"].tolist() == [101, 251, 301]
    assert table["region"].tolist() == [1, 2, 3]


def test_a_region_is_described_in_slide_pixels() -> None:
    frame = slide(".CB|..B|...")
    (row,) = call_regions(frame, 50, pixel_size=0.5).to_dict("records")
    assert row["patches"] == 3
    assert row["area_px2"] == 3 * 2500
    assert row["area_um2"] == pytest.approx(3 * 625)
    assert row["mean_score"] == pytest.approx(0.9)
    assert row["labelled"] == pytest.approx(2 / 3)
    assert [row[k] for k in ("x0", "y0", "x1", "y1")] == [151, 51, 251, 151]
    assert row["centre_x"] == pytest.approx((176 + 226 + 226) / 3)
    assert row["centre_y"] == pytest.approx((76 + 76 + 126) / 3)


def test_a_missed_lesion_differs_from_the_missed_rim_of_a_detected_one() -> None:
    table = label_regions(slide("LBL..LL|LBB..LL|.....C."), 50)
    assert table["patches"].tolist() == [6, 4]
    assert table["found"].tolist() == [0.5, 0.0]
    assert table["missed"].tolist() == [False, True]


def test_patients_are_kept_apart_and_summed_up() -> None:
    frame = pd.concat(
        [slide("LL.|..C", "2"), slide("B.C|...", "1"), slide("...", "3"), slide("L|L|.|L", "4")],
        ignore_index=True,
    )
    mixed = frame.sample(frac=1, random_state=0)  # neither order nor the index may matter
    table = area_table(mixed, 50, pixel_size=2.0).set_index("patient")
    assert table.index.tolist() == ["1", "2", "3", "4"]
    assert table["called"].tolist() == [2, 1, 0, 0]
    assert table["labelled_px2"].tolist() == [2500, 5000, 0, 7500]
    assert table["labelled_um2"].tolist() == [10000, 20000, 0, 30000]
    assert table["called_share"].tolist() == pytest.approx([2 / 6, 1 / 6, 0, 0])
    assert table["call_regions"].tolist() == [2, 1, 0, 0]
    assert table["label_regions"].tolist() == [1, 1, 0, 2]
    assert table["missed_regions"].tolist() == [0, 1, 0, 2]
    assert table["missed_patches"].tolist() == [0, 2, 0, 3]
    assert table["largest_missed"].tolist() == [0, 2, 0, 2]
    assert table["false_regions"].tolist() == [1, 1, 0, 0]
    assert table["false_patches"].tolist() == [1, 1, 0, 0]
    calls = call_regions(mixed, 50)
    assert calls["patient"].tolist() == ["1", "1", "2"]
    assert (calls.groupby("patient")["patches"].sum() == table["called"][["1", "2"]]).all()


def test_positions_a_little_off_the_grid_still_touch() -> None:
    frame = slide("CC|CC")
    frame["x"] += [0, 3, -2, 4]
    assert number_regions(frame, 50).tolist() == [1, 1, 1, 1]


def test_patches_on_the_same_place() -> None:
    frame = pd.concat([slide("C."), slide(".C")], ignore_index=True)
    assert number_regions(frame, 50).tolist() == [1, 0, 0, 1]


def test_nothing_called_gives_empty_tables_with_all_columns() -> None:
    full, nothing = call_regions(slide("C"), 50, 1.0), call_regions(slide("..|.."), 50, 1.0)
    assert nothing.empty
    assert nothing.columns.tolist() == full.columns.tolist()
    assert label_regions(slide(".").iloc[:0], 50).empty
