"""Agreement as metrics of a run: their names, and what is left out."""

import numpy as np
import pandas as pd

from idc.reader_study.agreement_words import as_metrics, as_notes
from idc.reader_study.sampling import RANDOM, SELECTED

READERS = pd.DataFrame({"reader": ["Ann", "Bo"], "cases": [8, 6], "unsure": [1, 0], "in_sight": 0})
PAIRS = pd.DataFrame(
    [
        ("Ann", "Bo", 0.5, 12, ""),
        ("Ann", "model", np.nan, 12, "one class only"),
        ("majority", "label", 0.7, 12, ""),
    ],
    columns=["one", "other", "kappa", "patients", "note"],
)
FLEISS = pd.DataFrame(
    [("sure", 0.4, 5, 2, "Ann and Bo"), ("with unsure", 0.3, 6, 2, "Ann and Bo")],
    columns=["what", "kappa", "cases", "readers", "of"],
).assign(note="")
MAPS = pd.DataFrame(
    [("gradcam", 0.5, 0.25, 0.25)],
    columns=["method", "right_share", "partly_share", "wrong_share"],
)


def test_metrics_are_named_by_initials_without_undefined_ones() -> None:
    assert as_metrics(RANDOM, READERS, PAIRS, FLEISS, MAPS, 9) == {
        "review/cases": 9,
        "review/readers": 2,
        "review/answers": 14,
        "review/unsure": 1,
        "review/kappa_A__B": 0.5,
        "review/kappa_readers_label": 0.7,
        "review/fleiss_kappa": 0.4,
        "review/fleiss_cases": 5,
        "review/fleiss_kappa_with_unsure": 0.3,
        "review/fleiss_cases_with_unsure": 6,
        "review/fleiss_readers": 2,
        "review/map_right_gradcam": 0.5,
        "review/map_partly_gradcam": 0.25,
        "review/map_wrong_gradcam": 0.25,
    }


def test_agreement_on_selected_cases_is_called_so() -> None:
    plain = as_metrics(RANDOM, READERS, PAIRS, FLEISS, MAPS, 9)
    selected = as_metrics(SELECTED, READERS, PAIRS, FLEISS, MAPS, 9)
    assert list(selected.values()) == list(plain.values())
    renamed = set(selected) - set(plain)
    assert all(name.endswith("_selected") for name in renamed)
    assert len(renamed) == len([n for n in plain if "kappa" in n or "fleiss" in n or "map" in n])


def test_each_caveat_is_a_note() -> None:
    drawn = pd.Series([RANDOM] * 14)
    plain = as_notes(drawn, READERS, PAIRS[PAIRS["note"] == ""], FLEISS)
    undefined = as_notes(drawn, READERS, PAIRS, FLEISS)
    assert len(undefined) == len(plain) + 1
    few = as_notes(drawn, READERS, PAIRS[PAIRS["note"] == ""].assign(patients=3), FLEISS)
    assert len(few) == len(plain) + 1
    seen = as_notes(drawn, READERS.assign(in_sight=[2, 0]), PAIRS[PAIRS["note"] == ""], FLEISS)
    (note,) = set(seen) - set(plain)
    assert "2 of 14" in note
