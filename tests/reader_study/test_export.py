"""The export: only what readers agree on, in a file that the next training takes."""

from pathlib import Path

import pandas as pd

from idc.data.corrections import correct, read_corrections, save_corrections
from idc.reader_study.answer import Answer, as_frame, counted_answers
from idc.reader_study.export import ExportRule, find_corrections

NAMES = ("no IDC", "IDC")
TIME = "2026-01-02T03:04:05+00:00"
SAID = {
    "agreed": (1, 1, 1),
    "most": (1, 1, 0),
    "level": (1, 0),
    "alone": (1,),
    "as labelled": (0, 0, 0),
    "unsure": (-1, -1, 1),
    "one sure": (1, -1),
    "two sure": (1, 1, -1),
    "back": (0, 0),
}
LABELS = {name: 1 if name == "back" else 0 for name in SAID}


def answers() -> pd.DataFrame:
    return as_frame(
        counted_answers(
            Answer(f"Dr. {i}", case, v, "", "", "", False, 1.0, TIME, "blinded")
            for case, verdicts in SAID.items()
            for i, v in enumerate(verdicts)
        )
    )


def predictions() -> pd.DataFrame:
    return pd.DataFrame({"path": list(LABELS), "label": list(LABELS.values())})


def actions(rule: ExportRule | None = None) -> dict[str, tuple[str, int]]:
    table = find_corrections(answers(), predictions(), NAMES, rule)
    pairs = zip(table["action"], table["label_after"], strict=True)
    return dict(zip(table["path"], pairs, strict=True))


def test_rules() -> None:
    relabel = ("relabel", 1)
    clear = {"agreed": relabel, "back": ("relabel", 0)}
    unsure = {"unsure": ("exclude", 0)}
    assert actions() == {**clear, **unsure, "most": relabel, "two sure": relabel}
    assert actions(ExportRule(agreed="unanimous")) == {**clear, **unsure}
    assert actions(ExportRule(exclude_unsure=False)).keys() == actions().keys() - unsure.keys()
    assert actions(ExportRule(least_readers=3)).keys() == {"agreed", "most", "unsure"}
    alone = actions(ExportRule(least_readers=1))
    assert alone.keys() == {*actions(), "alone", "one sure"}
    assert "level" not in alone
    assert "as labelled" not in alone


def test_the_file_is_what_a_training_reads(tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    written = find_corrections(answers(), predictions(), NAMES)
    save_corrections(written, path)
    table = read_corrections(path).table
    for name in ("path", "label_before", "action", "label_after"):
        assert table[name].tolist() == written[name].tolist()
    reasons = table.set_index("path")["reason"]
    assert reasons["most"] == "2 of 3 readers: IDC; the label: no IDC"
    assert reasons["unsure"] == "2 of 3 readers: unsure; the label: no IDC"
    assert "Dr." not in path.read_text()  # whoever gets the file need not know who read


def test_nothing_to_correct_is_a_file_too(tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    save_corrections(find_corrections(as_frame([]), predictions(), NAMES), path)
    assert read_corrections(path).table.empty


def votes(case: str, *verdicts: int, seen: bool = False) -> list[Answer]:
    return [
        Answer(f"R{i}", case, v, "", "", "", seen, 1.0, TIME, "blinded")
        for i, v in enumerate(verdicts)
    ]


def test_verdicts_in_sight_of_the_model_correct_nothing_unless_they_may() -> None:
    given = [
        *votes("agreed", 1, 1, seen=True),
        *votes("most", 1, 1),
        *votes("level", 1),
    ]
    given += votes("level", 1, 1, seen=True)[1:]
    table = as_frame(counted_answers(given))
    corrections = find_corrections(table, predictions(), NAMES)
    assert corrections["path"].tolist() == ["most"]
    every = find_corrections(table, predictions(), NAMES, ExportRule(blinded_only=False))
    assert every["path"].tolist() == ["agreed", "level", "most"]


def test_a_second_review_adds_to_the_first_and_fits_the_same_data(tmp_path: Path) -> None:
    names = ["again", "back", "fine", "kept", "new", "out", "unsure"]
    data = pd.DataFrame({"path": names, "label": 0, "patient": "p", "checks": ""})
    first = tmp_path / "first.csv"
    one = [a for n in ("again", "back", "kept", "unsure") for a in votes(n, 1, 1)]
    given = as_frame(counted_answers([*one, *votes("out", -1, -1)]))
    save_corrections(find_corrections(given, data, NAMES), first)
    earlier = read_corrections(first)
    assert len(earlier.table) == 5

    run = correct(data, earlier, NAMES)
    run = run[run["checks"].astype(str) != "excluded"]
    two = [
        *votes("again", 1, 1),
        *votes("back", 0, 0),
        *votes("fine", 0, 0),
        *votes("new", 1, 1),
    ]
    given = as_frame(counted_answers([*two, *votes("unsure", -1, -1)]))
    second = tmp_path / "second.csv"
    save_corrections(find_corrections(given, run, NAMES, earlier=earlier), second)

    both = read_corrections(second)
    lines = both.table.set_index("path")
    assert lines["action"].to_dict() == {
        "again": "relabel", "kept": "relabel", "new": "relabel",
        "out": "exclude", "unsure": "exclude",
    }  # fmt: skip
    assert (lines["label_before"] == 0).all()
    assert lines["readers"].tolist() == ["2"] * 5
    corrected = correct(data, both, NAMES).set_index("path")
    assert corrected["label"].to_dict() == {
        "again": 1, "back": 0, "fine": 0, "kept": 1, "new": 1, "out": 0, "unsure": 0,
    }  # fmt: skip
