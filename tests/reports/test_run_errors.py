"""The worst errors of a run, and their surroundings."""

from dataclasses import replace
from pathlib import Path

from run_cases import SIZE, drawn, make_run

from idc.reports.run_errors import SHOWN, error_kinds, worst


def test_the_worst_are_the_surest_errors() -> None:
    frame, _ = drawn(8, 2)
    chosen = worst(frame)
    assert len(chosen) == SHOWN
    assert (chosen["predicted"] != chosen["label"]).all()
    rest = frame.drop(chosen.index)
    assert chosen["loss"].is_monotonic_decreasing
    assert chosen["loss"].min() >= rest.loc[rest["predicted"] != rest["label"], "loss"].max()


def test_missed_patches_come_first_with_their_surroundings(tmp_path: Path) -> None:
    missed, alarms = error_kinds(make_run(tmp_path))
    assert (missed["label"], missed["positive"]) == ("IDC", True)
    assert (alarms["label"], alarms["positive"]) == ("no IDC", False)
    assert missed["patches"] + alarms["patches"] == 144
    for kind in (missed, alarms):
        assert kind["wrong"] == kind["patients"] == 12
        assert len(kind["cards"]) == SHOWN
        card = kind["cards"][0]
        assert {card["label"], card["decided"]} == {"IDC", "no IDC"}
        assert card["times"] == 400 // SIZE
        assert card["checks"] == "near white, glass"
    assert [card["score"] for card in missed["cards"]] == [0.1] * SHOWN


def test_duplicate_positions_are_no_surroundings(tmp_path: Path) -> None:
    report = make_run(tmp_path, classes=3)
    report = replace(report, predictions=report.predictions.assign(x=0, y=0))
    kinds = list(error_kinds(report))
    assert [kind["label"] for kind in kinds] == ["a", "b", "c"]
    assert all(card["around"] is None for kind in kinds for card in kind["cards"])
