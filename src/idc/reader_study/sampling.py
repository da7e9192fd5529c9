"""Whether answered cases are a random sample of the test split or were selected."""

import pandas as pd

RANDOM, SELECTED = "random", "selected"
SAMPLINGS = (RANDOM, SELECTED)
EVERYTHING = "all"


def sampling_of(answers: pd.DataFrame, predictions: pd.DataFrame) -> "pd.Series[str]":
    """Whether the case of each answer was drawn at random.

    Errors, suspected label errors, uncertain cases and single patients are selected cases, on which
    agreement is lower, or higher, than on the rest. If a reader answered the whole test split, the
    order does not matter; the predictions may have a ``split`` to identify it.

    Returns:
        ``random`` or ``selected`` for each row; ``selected`` also if it was not recorded.
    """
    at_random = (answers["order"] == RANDOM) & (answers["select"] == EVERYTHING)
    if "split" in predictions:
        tested = pd.Index(predictions.loc[predictions["split"] == "test", "path"])
        of_test = answers[answers["case"].isin(tested)]
        whole = of_test.groupby("reader")["case"].nunique() == len(tested)
        at_random.loc[of_test.index] |= of_test["reader"].map(whole).astype(bool)
    return at_random.map({True: RANDOM, False: SELECTED}).astype(object)
