"""Whether answered cases are a sample of the test split, or were chosen for what they are."""

import pandas as pd

RANDOM, SELECTED = "random", "selected"
DRAWN = (RANDOM, SELECTED)
EVERYTHING = "all"


def how_drawn(answers: pd.DataFrame, predictions: pd.DataFrame) -> "pd.Series[str]":
    """Of each answer, whether its case was drawn at random.

    Errors, suspects of wrong labels, cases near the threshold and single patients are chosen for
    what they are: readers and model agree less, or more, on them than on the rest. Where a reader
    answered the whole test split, the order did not matter.

    Args:
        answers: See `idc.reader_study.answer.as_frame`.
        predictions: ``path`` and, for the test split to be known, ``split``.

    Returns:
        ``random`` or ``selected``, row for row; ``selected`` also where it is not known.
    """
    fair = (answers["order"] == RANDOM) & (answers["select"] == EVERYTHING)
    if "split" in predictions:
        tested = pd.Index(predictions.loc[predictions["split"] == "test", "path"])
        of_test = answers[answers["case"].isin(tested)]
        whole = of_test.groupby("reader")["case"].nunique() == len(tested)
        fair.loc[of_test.index] |= of_test["reader"].map(whole).astype(bool)
    return fair.map({True: RANDOM, False: SELECTED}).astype(object)


def drawn_words(drawn: "pd.Series[str]") -> list[str]:
    """What follows for the numbers, in sentences; see `how_drawn`."""
    chosen, answers = int((drawn == SELECTED).sum()), len(drawn)
    if not chosen:
        return []
    because = (
        "Such cases (errors, suspects or uncertainty first and not all of them, single patients "
        "or files, or chosen in a way that is not known) say nothing of the whole test split"
    )
    if chosen == answers:
        return [f"All answers are to selected cases. {because}: the metrics end in _selected."]
    return [
        f"{chosen:,} of {answers:,} answers are to selected cases. {because}: the metrics and the "
        f"figure are of the others, which came in random order (without those that their reader "
        f"had answered before); the tables have both, see the column drawn."
    ]
