"""What the sentences about a data set rest on."""

import re
from dataclasses import replace

from eda_cases import flag, make

from idc.reports.eda_facts import eda_sentences
from idc.reports.eda_input import EdaInput
from idc.reports.eda_tables import colour_stats, drift


def observations(data: EdaInput) -> list[str]:
    return eda_sentences(data, drift(colour_stats(data.index))).list("observations")


def lead(data: EdaInput) -> str:
    return eda_sentences(data, drift(colour_stats(data.index))).text("lead")


def numbers(text: str) -> list[str]:
    return re.findall(r"\d[\d.,]*\d|\d", text)


def test_the_lead_counts_patches_patients_and_classes() -> None:
    assert numbers(lead(make()))[:2] == ["48", "4"]
    dropped = numbers(lead(flag(make(), [0, 1], "near_white", drop=True)))
    assert dropped == ["48", "4", "2", "46", "22", "47.8", "24", "52.2"]


def test_a_patient_with_a_tenth_of_many_patients_patches_is_named() -> None:
    data = make(patients=25, per_class=2)
    heavy = data.index.assign(
        patient=data.index["patient"].replace(dict.fromkeys(["p1", "p2"], "p0"))
    )
    text = " ".join(observations(replace(data, index=heavy)))
    assert "p0" in text
    assert "p0" not in " ".join(observations(data))


def test_what_stands_out_is_said() -> None:
    data = flag(make(patients=5), [0], "near_white")
    only = data.index.copy()
    only.loc[only["patient"] == "p1", "label"] = 1
    words = " ".join(observations(replace(data, index=only)))
    for part in (
        "1 of 2 checks have findings: near_white (1)",
        "1 of 5 patients have one class only (0 only no IDC, 1 only IDC)",
        "Stain variation",
        "test (1 patient)",
    ):
        assert part in words


def test_a_patient_on_two_splits_is_said() -> None:
    data = make()
    index = data.index.copy()
    index.loc[0, "split"] = "test"
    data = replace(data, index=index)
    words = " ".join(observations(data))
    assert "1 patient in more than one split" in words
