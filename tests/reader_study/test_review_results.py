"""The end of a review: the answers that count, their patches, and caveats of the maps."""

from pathlib import Path

import pandas as pd

from idc.data.corrections import read_corrections, save_corrections
from idc.reader_study.answer import Answer, as_frame, counted_answers
from idc.reader_study.export import ExportRule
from idc.reader_study.review_results import evaluate_answers

TIME = "2026-01-02T03:04:05+00:00"


def answer(reader: str, case: str, verdict: int, seen: bool = False) -> Answer:
    return Answer(reader, case, verdict, "", "", "", seen, 1.0, TIME, "blinded", "random", "all")


def test_a_review_of_a_corrected_run_says_what_its_corrections_are(tmp_path: Path) -> None:
    names = [f"{i}.png" for i in range(4)]
    lines = [("0.png", 0, "relabel", 1, 2, "x"), ("gone.png", 1, "exclude", 1, 2, "x")]
    columns = ["path", "label_before", "action", "label_after", "readers", "reason"]
    save_corrections(pd.DataFrame(lines, columns=columns), tmp_path / "first.csv")
    earlier = read_corrections(tmp_path / "first.csv")
    data = pd.DataFrame(
        {"path": names, "patient": "p", "x": 0, "y": 0, "split": "test", "label": [1, 0, 1, 0]}
    ).assign(predicted=[1, 0, 1, 0], score=[0.9, 0.1, 0.9, 0.1])
    history = [answer(reader, name, 1) for reader in ("Ann", "Bo") for name in names[:2]]
    history += [answer(reader, "3.png", 1, seen=True) for reader in ("Ann", "Bo")]
    answers = as_frame(counted_answers(history))
    results = evaluate_answers(
        answers, data, ["no", "IDC"], ExportRule(), 0, tmp_path / "out", earlier
    )
    table = read_corrections(tmp_path / "out" / "corrections.csv").table
    assert table["path"].tolist() == ["0.png", "1.png", "gone.png"]
    assert results.metrics["review/corrections"] == 3
    notes = " ".join(results.notes)
    assert "2 of 6 verdicts were given after seeing the model's answer and correct no" in notes
    assert "1 of the cases have a label corrected by an earlier review" in notes
    assert "the 2 correction(s) that the run was trained with" in notes
    assert (tmp_path / "out" / "agreement.png").is_file()
