"""What the page says of a case, in words."""

from collections.abc import Sequence

from idc.reader_study.answer import UNSURE, Standing
from idc.reader_study.case import Case, CaseBook

UNSURE_WORD = "unsure"
Fact = tuple[str, str, str]


def verdict_name(verdict: int, class_names: Sequence[str]) -> str:
    """A verdict's name."""
    return UNSURE_WORD if verdict == UNSURE else class_names[verdict]


def verdict_buttons(class_names: Sequence[str]) -> list[int]:
    """The verdicts in the order of their buttons: of two classes the positive one first."""
    classes = list(range(len(class_names)))
    return [*(reversed(classes) if len(classes) == 2 else classes), UNSURE]


def model_facts(book: CaseBook, case: Case, said: Standing | None) -> list[Fact]:
    """The model's answer, the data set's label, and the reader's verdict beside them."""
    names = book.class_names
    predicted = names[case.predicted]
    if len(names) == 2:
        small = f"score {case.score:.2f} for {names[1]}"
        if book.threshold is not None:
            small += f"; {names[1]} from {book.threshold:.2f} on"
    else:
        small = f"score {case.score:.2f} of this class"
    rows = [("Model", predicted, small), ("Data set", names[case.label], "")]
    if said is None:
        return rows
    counts = said.answer
    when = "given with the model's answer in sight" if counts.seen_model else "given blind"
    rows.insert(0, ("Your verdict", verdict_name(counts.verdict, names), when))
    if said.changed:
        rows.insert(1, ("Changed to", verdict_name(said.last, names), "after the model's answer"))
    return rows


def explained_class(book: CaseBook, case: Case) -> str:
    """The class whose evidence the maps show."""
    return book.class_names[1 if len(book.class_names) == 2 else case.predicted]


def place(case: Case, side: int) -> str:
    """Where a patch is from. Not its path, which may hold its label."""
    return f"Patient {case.patient}, x {case.x}, y {case.y}; {side} px, enlarged smoothly"


def mode_words(mode: str) -> str:
    """What to expect, before the first case."""
    if mode == "blinded":
        return (
            "Blinded: you give your verdict first. Only then the model's answer, its map and the "
            "data set's label are shown. Your first verdict stays recorded as you gave it."
        )
    return "Open: the model's answer, its map and the data set's label are shown from the start."
