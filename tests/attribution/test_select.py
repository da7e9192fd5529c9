"""The choice of what to explain."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idc.attribution.select import (
    KINDS,
    Selection,
    choose_cases,
    named_rows,
    parse_selection,
)
from idc.errors import ConfigError


def chosen(
    labels: np.ndarray, predicted: np.ndarray, per_kind: int, seed: int, classes: int = 2
) -> dict[str, list[int]]:
    """Kind to the places of what is chosen."""
    frame = pd.DataFrame({"label": labels, "predicted": predicted, "place": range(len(labels))})
    cases = choose_cases(frame, Selection(), per_kind, None, seed, classes)
    return {str(kind): part["place"].tolist() for kind, part in cases.groupby("kind")}


PAIRS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=60)


@given(pairs=PAIRS, per_kind=st.integers(0, 5), seed=st.integers(0, 5))
def test_every_case_is_of_its_kind_and_as_many_as_there_are(
    pairs: list[tuple[int, int]], per_kind: int, seed: int
) -> None:
    labels, predicted = np.array(pairs).T
    cases = chosen(labels, predicted, per_kind, seed)
    assert set(cases) <= set(KINDS)
    for kind in KINDS:
        places = cases.get(kind, [])
        label, called = int(kind in ("TP", "FN")), int(kind in ("TP", "FP"))
        assert (labels[places] == label).all()
        assert (predicted[places] == called).all()
        available = int(((labels == label) & (predicted == called)).sum())
        assert len(set(places)) == len(places) == min(per_kind, available)
    assert chosen(labels, predicted, per_kind, seed) == cases


def test_one_kind_does_not_depend_on_another() -> None:
    labels = np.array([1] * 30 + [0] * 30)
    good = np.array([1] * 30 + [0] * 30)
    worse = good.copy()
    worse[30:45] = 1  # negatives only
    one, other = (chosen(labels, p, 4, 7)["TP"] for p in (good, worse))
    assert one == other


def test_more_classes_part_into_right_and_wrong() -> None:
    labels, predicted = np.array([0, 1, 2, 2]), np.array([0, 2, 2, 0])
    assert chosen(labels, predicted, 5, 0, classes=3) == {
        "class 0 right": [0],
        "class 1 wrong": [1],
        "class 2 right": [2],
        "class 2 wrong": [3],
    }


def frame(n: int = 40, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "label": rng.integers(0, 2, n),
            "predicted": rng.integers(0, 2, n),
            "loss": rng.random(n),
            "path": [f"{i % 4}/patch{i}.png" for i in range(n)],
            "patient": [str(i % 4) for i in range(n)],
        }
    )


def test_errors_are_wrong_and_the_worst_ones() -> None:
    table = frame()
    wrong = table[table["label"] != table["predicted"]]
    cases = choose_cases(table, Selection("errors"), 0, 5, 0)
    assert set(cases["kind"]) <= {"FN", "FP"}
    assert set(cases["path"]) == set(wrong.nlargest(5, "loss")["path"])
    assert cases["kind"].tolist() == sorted(cases["kind"], key=["FN", "FP"].index)


def test_random_is_seeded_and_all_is_all() -> None:
    table = frame()
    one, same, other = (
        choose_cases(table, Selection("random"), 0, 10, seed)["path"].tolist() for seed in (1, 1, 2)
    )
    assert one == same
    assert set(one) != set(other)
    whole = choose_cases(table, Selection("all"), 0, None, 0)
    assert sorted(whole["path"]) == sorted(table["path"])


def test_patients_and_files_are_found_by_name(tmp_path: Path) -> None:
    table = frame()
    rows = named_rows(parse_selection("patient=1,3"), table)
    assert set(table["patient"][rows]) == {"1", "3"}
    assert named_rows(parse_selection("files=2/patch6.png"), table).tolist() == [6]
    assert len(named_rows(parse_selection("files=2/*.png"), table)) == 10
    listing = tmp_path / "mine.csv"
    listing.write_text("path,why\n0/patch0.png,odd\n\n1/patch1.png,\n")
    assert named_rows(parse_selection(f"files={listing}"), table).tolist() == [0, 1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    "content",
    [
        "0/patch0.png\n1/patch1.png",
        "path,why\r\n0/patch0.png,x\r\n1/patch1.png,\r\n",
        "patient,path\n0,0/patch0.png\n1,1/patch1.png\n",
        '"0/patch0.png"\n\n1/patch1.png\n',
    ],
)
def test_lists_of_any_editor_are_read(tmp_path: Path, encoding: str, content: str) -> None:
    (tmp_path / "mine.CSV").write_bytes(content.encode(encoding))
    chosen = parse_selection(f"files={tmp_path / 'mine.CSV'}")
    assert chosen.names == ("0/patch0.png", "1/patch1.png")


@pytest.mark.parametrize("content", ["", "path\n", "\n\n"])
def test_a_list_without_names_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "mine.txt").write_text(content)
    with pytest.raises(ConfigError, match=r"mine\.txt names no patch"):
        parse_selection(f"files={tmp_path / 'mine.txt'}")


@pytest.mark.parametrize("text", ["", "mistakes", "patient=", "patient", "errors=3", "files=,"])
def test_what_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="choose kinds, errors, random"):
        parse_selection(text)


def test_a_name_that_fits_nothing_is_told() -> None:
    with pytest.raises(ConfigError, match=r"patient=9.*there are 0, 1, 2, 3"):
        named_rows(parse_selection("patient=9"), frame())
    with pytest.raises(ConfigError, match="cannot be read"):
        parse_selection("files=/nowhere/list.txt")
