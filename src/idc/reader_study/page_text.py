"""Texts of the page about a case."""

import math
from collections import Counter
from collections.abc import Sequence

from idc.reader_study.answer import MARKS, UNSURE, Answer, CountedAnswer
from idc.reader_study.case import Case, CaseBook

UNSURE_WORD = "unsure"
Fact = tuple[str, str, str]


def verdict_name(verdict: int, class_names: Sequence[str]) -> str:
    """Name of a verdict."""
    return UNSURE_WORD if verdict == UNSURE else class_names[verdict]


def verdict_buttons(class_names: Sequence[str]) -> list[int]:
    """The verdicts in the order of their buttons: of two classes the positive one first."""
    classes = list(range(len(class_names)))
    return [*(reversed(classes) if len(classes) == 2 else classes), UNSURE]


def model_facts(book: CaseBook, case: Case, counted: CountedAnswer | None) -> list[Fact]:
    """The model's answer, the label and, if there is one, the reader's verdict."""
    names = book.class_names
    predicted = names[case.predicted]
    if len(names) == 2:
        small = f"score {case.score:.2f} for {names[1]}"
        if book.threshold is not None:
            small += f"; threshold {book.threshold:.2f}"
    else:
        small = f"probability {case.score:.2f}"
    rows = [("Model", predicted, small), ("Data set", names[case.label], "")]
    if counted is None:
        return rows
    answer = counted.answer
    order = "after seeing" if answer.seen_model else "before"
    when = f"given {order} the model's answer"
    rows.insert(0, ("Your verdict", verdict_name(answer.verdict, names), when))
    if counted.changed:
        last = verdict_name(counted.last, names)
        rows.insert(1, ("Changed to", last, "after seeing the model's answer"))
    return rows


def summary(answered: Sequence[tuple[Answer, Case]], class_names: Sequence[str]) -> list[Fact]:
    """A reader's verdicts, how often model and label agree, and the judgements of the maps."""
    verdicts = Counter(answer.verdict for answer, _ in answered)
    rows = [
        (f"Verdict {verdict_name(verdict, class_names)}", str(verdicts[verdict]), "")
        for verdict in verdict_buttons(class_names)
        if verdict in verdicts
    ]
    sure = [(answer.verdict, case) for answer, case in answered if answer.verdict != UNSURE]
    if sure:
        model = sum(verdict == case.predicted for verdict, case in sure)
        label = sum(verdict == case.label for verdict, case in sure)
        rows.append(("The model agrees", f"{model} of {len(sure)}", ""))
        rows.append(("The label agrees", f"{label} of {len(sure)}", ""))
    marks = Counter((answer.method, answer.map_marks) for answer, _ in answered)
    for method in dict.fromkeys(method for method, mark in marks if mark):
        counts = [f"{mark} {marks[method, mark]}" for mark in MARKS if (method, mark) in marks]
        rows.append((f"Maps by {method}", ", ".join(counts), ""))
    return rows


def explained_class(book: CaseBook, case: Case) -> str:
    """The class whose evidence the maps show."""
    return book.class_names[1 if len(book.class_names) == 2 else case.predicted]


def place(case: Case, side: int) -> str:
    """Origin of a patch, without its path, which may contain the label."""
    position = "" if case.x is None else f", x {case.x}, y {case.y}"
    return f"Patient {case.patient}{position}; {side} px"


def scale_bar(patch_um: float | None, side: int) -> tuple[str, float]:
    """A round length of about a patch of `side` pixels, and its share of the patch's side."""
    if patch_um is None:
        return f"1 patch ({side} px)", 1.0
    unit: float = 10 ** math.floor(math.log10(patch_um))
    length = next(step * unit for step in (5, 2, 1) if step * unit <= patch_um)
    return f"{length:g} µm", length / patch_um


def mode_words(mode: str) -> str:
    """Explanation of the mode, shown before the first case."""
    if mode == "blinded":
        return (
            "Blinded: you give your verdict first. Only then are the model's answer, its map and "
            "the data set's label shown. Your first verdict stays recorded as you gave it."
        )
    return "Open: the model's answer, its map and the data set's label are shown from the start."
