"""Sentences say what the tests found, and no more."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from idc.comparison.pairs import read_pairs, summary
from idc.reports.templating import Sentences

BASELINES = {"majority class": 0.2, "colour statistics": 0.5}
Frames = tuple[pd.DataFrame, pd.DataFrame]


def frames(
    values: dict[str, float],
    gap: float = 0.095,
    metric: str = "f1",
    patients: int = 17,
    turned: bool = False,
) -> Frames:
    """Values, and the differences of all pairs; those of at least `gap` are significant."""
    rows = []
    for one, other in combinations(values, 2):
        a, b = (other, one) if turned else (one, other)
        difference = values[a] - values[b]
        p = 0.0004 if abs(difference) >= gap else 0.61
        low, high = difference - 0.07, difference + 0.07
        rows.append((a, b, metric, difference, low, high, p, p < 0.05, patients))
    columns = ["a", "b", "metric", "difference", "low", "high", "p_holm", "apart", "patients"]
    table = pd.DataFrame([(n, metric, v) for n, v in values.items()])
    return pd.DataFrame(rows, columns=columns), table.set_axis(["name", "metric", "value"], axis=1)


def pair_sentences(differences: pd.DataFrame, values: pd.DataFrame, metric: str) -> list[str]:
    value_of = dict(zip(values["name"], values["value"], strict=True))
    pairs = read_pairs(differences, metric, BASELINES).values()
    words = Sentences("pair_sentences.j2", value_of=value_of, level=0.05, confidence=0.95)
    return [words.text("pair", pair) for pair in pairs]


def test_a_pair_without_a_significant_difference() -> None:
    differences, values = frames({"resnet50": 0.69, "vgg16": 0.71}, patients=11)
    assert pair_sentences(differences, values, "f1") == [
        "vgg16 is not distinguishable from resnet50 on 11 patients (F1 0.71 against 0.69, "
        "difference 0.02, 95 % interval -0.05 to 0.09, p = 0.61 after Holm)."
    ]


@pytest.mark.parametrize("turned", [False, True])
def test_the_better_one_stands_first_and_a_baseline_last(turned: bool) -> None:
    differences, values = frames({"vgg16": 0.3, "resnet50": 0.6} | BASELINES, turned=turned)
    result = pair_sentences(differences, values, "f1")
    starts = {sentence.split(" on 17")[0] for sentence in result}
    assert starts == {
        "resnet50 is better than vgg16",
        "resnet50 is better than the majority class",
        "resnet50 is better than colour statistics",
        "vgg16 is better than the majority class",
        "vgg16 is worse than colour statistics",
        "colour statistics are better than the majority class",
    }
    (worse,) = [sentence for sentence in result if "worse" in sentence]
    assert (
        "(F1 0.30 against 0.50, difference -0.20, 95 % interval -0.27 to -0.13, p < 0.001" in worse
    )


def test_a_loss_is_better_when_it_is_lower() -> None:
    differences, values = frames({"a": 0.6, "b": 0.3}, metric="log_loss")
    (sentence,) = pair_sentences(differences, values, "log_loss")
    assert sentence.startswith("b is better than a")
    assert "log loss 0.30 against 0.60, difference -0.30" in sentence
    assert "best, " not in summary(differences, values, "log_loss")[0]


def test_a_sentence_takes_the_decision_that_was_made() -> None:
    """Whatever level the words are given, and however near the p lies to it."""
    differences, values = frames({"a": 0.7, "b": 0.69}, patients=1)
    near = differences.assign(p_holm=0.06, apart=True)
    assert pair_sentences(near, values, "f1")[0].startswith("a is better than b on 1 patient (")
    assert summary(near, values, "f1")[0].startswith("The 2 settings differ significantly")


def test_digits_suit_the_interval() -> None:
    differences, values = frames({"a": 0.71234, "b": 0.70111}, gap=0.01)
    narrow = differences.assign(low=0.0012, high=0.0213, p_holm=0.0496, apart=True)
    (sentence,) = pair_sentences(narrow, values, "f1")
    assert "0.712 against 0.701, difference 0.011, 95 % interval 0.001 to 0.021" in sentence
    assert "p = 0.0496 after" in sentence  # not 0.050: it is on this split of the level
    unknown = differences.assign(low=np.nan, high=np.nan, p_holm=np.nan, apart=False)
    (sentence,) = pair_sentences(unknown, values, "f1")
    assert "not distinguishable" in sentence
    assert "p unknown after Holm" in sentence
    assert "nan" not in sentence
    assert "interval" not in sentence


@pytest.mark.parametrize(
    ("values", "lead"),
    [
        ({"a": 0.7}, "a is the only setting: there is no other to compare it with."),
        ({"a": 0.7, "b": 0.69}, "The 2 settings do not differ significantly in F1 on 17 patients."),
        ({"a": 0.7, "b": 0.3}, "The 2 settings differ significantly in F1 on 17 patients."),
        (
            {"a": 0.7, "b": 0.69, "c": 0.68},
            "No pair of the 3 settings differs significantly in F1 on 17 patients.",
        ),
        (
            {"a": 0.7, "b": 0.69, "c": 0.597},
            "1 of the 3 pairs of the 3 settings differs significantly in F1 on 17 patients.",
        ),
        (
            {"a": 0.7, "b": 0.5, "c": 0.3},
            "All 3 pairs of the 3 settings differ significantly in F1 on 17 patients.",
        ),
        (BASELINES, "No setting has a value of F1: there is nothing to compare."),
    ],
)
def test_the_lead(values: dict[str, float], lead: str) -> None:
    assert summary(*frames(values), "f1")[0] == lead


def test_baselines_do_not_count_as_settings_but_are_compared_with() -> None:
    lead, pair, colours, behind, majority = summary(
        *frames({"a": 0.7, "b": 0.55} | BASELINES), "f1", noun="model"
    )
    assert lead.startswith("The 2 models differ significantly")
    assert pair.startswith("a is better than b")
    assert colours.startswith("a is better than colour statistics")
    assert behind == "1 of the 2 models is not shown to be better than colour statistics: b."
    assert majority.startswith("a is better than the majority class")
    beaten = summary(*frames({"a": 0.3, "b": 0.35, "colour statistics": 0.5}), "f1")
    assert beaten[-1] == "None of the 2 settings is shown to be better than colour statistics."


def test_the_summary_of_twenty_stays_short() -> None:
    values = {f"model {i}": 0.9 - 0.02 * i for i in range(20)}
    sentences = summary(*frames(values | BASELINES), "f1")
    assert len(sentences) <= 9
    assert max(map(len, sentences)) < 260
    assert sentences[0].startswith("120 of the 190 pairs of the 20 settings differ significantly")
    assert sentences[1].startswith("16 pairs have intervals without 0")  # those 0.08 apart
    assert sentences[2].startswith("model 0 is not distinguishable from model 1 ")
    assert sentences[3] == (
        "4 of the 19 others do not differ significantly from the best, model 0: "
        "model 1, model 2, model 3 and model 4."
    )
    many = summary(*frames(values, gap=1.0), "f1")
    assert many[3].endswith("model 1, model 2, model 3, model 4, model 5 and 14 more.")


def test_pairs_lost_to_the_correction_are_counted() -> None:
    differences, values = frames({"a": 0.7, "b": 0.62}, gap=0.5)
    result = summary(differences, values, "f1")
    assert result[1] == (
        "1 pair has an interval without 0, and would be significant if it were the only one tested."
    )
    wider = differences.assign(low=-0.01)
    assert not any("without 0" in sentence for sentence in summary(wider, values, "f1"))


def test_a_setting_without_a_value_takes_no_part() -> None:
    differences, values = frames({"a": 0.7, "b": 0.69, "c": np.nan})
    assert summary(differences, values, "f1")[0].startswith("The 2 settings do not")
