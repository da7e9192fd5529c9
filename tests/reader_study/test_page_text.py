"""Texts of the page about a case."""

from dataclasses import replace

import pytest
from answer_cases import ANN
from review_server import made_up_book, made_up_cases

from idc.reader_study.answer import counted_answers
from idc.reader_study.page_text import (
    explained_class,
    mode_words,
    model_facts,
    place,
    scale_bar,
    summary,
    verdict_buttons,
)


def test_the_summary_counts_agreement_of_sure_verdicts() -> None:
    cases = made_up_cases()  # labels 0 1 0, predicted 0 0 1
    answers = [replace(ANN, verdict=verdict) for verdict in (0, 0, -1)]
    answers[2] = replace(answers[2], map_marks="wrong")
    rows = summary(list(zip(answers, cases[:3], strict=True)), ("no IDC", "IDC"))
    assert [value for _, value, _ in rows] == ["2", "1", "2 of 2", "1 of 2", "wrong 1"]
    unsure = summary([(answers[2], cases[2])], ("no IDC", "IDC"))
    assert [value for _, value, _ in unsure] == ["1", "wrong 1"]


def test_the_place_of_a_patch_does_not_tell_its_label() -> None:
    for case in made_up_cases():
        assert "class" not in place(case, 50) and case.path not in place(case, 50)


@pytest.mark.parametrize(
    ("um", "words"), [(200, "200 µm"), (25, "20 µm"), (12.5, "10 µm"), (99, "50 µm")]
)
def test_the_scale_bar_has_a_round_length_within_a_patch(um: float, words: str) -> None:
    assert scale_bar(um, 50) == (words, float(words.split()[0]) / um)
    assert scale_bar(None, 96) == ("1 patch (96 px)", 1.0)


def test_words_for_more_than_two_classes() -> None:
    book = made_up_book(("normal", "benign", "invasive"))
    case = book.cases[2]
    assert explained_class(book, case) == "benign" and verdict_buttons(book.class_names)[0] == 0
    model, label = model_facts(book, case, None)
    assert model[:2] == ("Model", "benign") and "probability 0.51" in model[2]
    assert label[:2] == ("Data set", "invasive")


def test_words_of_a_changed_verdict() -> None:
    book = made_up_book()
    history = [replace(ANN, verdict=1), replace(ANN, verdict=-1, seen_model=True)]
    rows = model_facts(book, book.cases[0], counted_answers(history)[0])
    assert [row[:2] for row in rows] == [
        ("Your verdict", "IDC"),
        ("Changed to", "unsure"),
        ("Model", "no IDC"),
        ("Data set", "no IDC"),
    ]
    assert "before" in rows[0][2] and "after" in rows[1][2]


def test_the_positive_class_has_the_first_button() -> None:
    assert verdict_buttons(("no IDC", "IDC")) == [1, 0, -1]
    assert verdict_buttons(tuple("abc")) == [0, 1, 2, -1]
    assert mode_words("blinded") != mode_words("open")
