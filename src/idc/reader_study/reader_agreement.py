"""Agreement of readers with one another, with the label and with the model."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.reader_study.agreement_words import as_metrics, as_notes
from idc.reader_study.answer import MARKS, UNSURE
from idc.reader_study.kappa import Kappa, cohen, fleiss
from idc.reader_study.sampling import RANDOM, SAMPLINGS, sampling_of
from idc.reader_study.votes import (
    LABEL,
    MAJORITY,
    MODEL,
    count_votes,
    distinct,
    predictions_of,
    reader_names,
)

Codes = NDArray[np.int64]
Names = NDArray[np.object_]
ABSENT = -2  # no answer
COLUMNS = ("cases", "observed", "kappa", "low", "high", "patients", "note")
LEAST = 10  # cases for Fleiss' kappa
SEARCHED = 14  # readers in an exhaustive search: 16,000 sets


@dataclass(frozen=True)
class Agreement:
    """Result of `agree`.

    Answers to cases in random order are separated from answers to selected cases, see
    `idc.reader_study.sampling.sampling_of`: `pairs`, `fleiss` and `maps` have rows for both,
    distinguished by a column ``drawn`` (random or selected). The other measures of agreement are
    for `drawn` alone.

    Attributes:
        drawn: The answers used for metrics, matrix and confusions: ``random``, if there are any.
        readers: One row per reader, sorted by name: ``reader``, ``cases`` (answered),
            ``at_random`` (of these, drawn at random), ``unsure``, ``in_sight`` (verdicts given
            after seeing the model's answer), ``changed`` (verdicts changed after seeing it),
            ``seconds`` (median per case).
        pairs: One row per pair: ``kind`` (readers, label, model, majority-label, majority-model, or
            data for label and model), ``one``, ``other`` (names), ``cases`` (both sure), ``unsure``
            (excluded cases, in which one of the two is unsure), ``observed`` (share of agreement),
            ``kappa``, ``low``, ``high`` (Cohen's, and its interval), ``patients``,
            ``kappa_with_unsure`` (with unsure as a category; for two readers only) and ``note``.
        fleiss: Fleiss' kappa over the cases answered by all readers (or, if those are too few, by
            `sharing_readers`), two rows, or none for a single reader: ``what`` (``sure``: cases
            without an unsure reader; ``with unsure``: all, with unsure as a category), ``readers``
            (their number), ``of`` (their names), ``cases``, ``observed``, ``kappa``, ``low``,
            ``high``, ``patients``, ``note``.
        maps: One row per method whose maps were judged: ``method``, ``judged``, ``right``,
            ``partly``, ``wrong`` (numbers of answers) and ``right_share``, ``partly_share``,
            ``wrong_share``.
        confusions: Reader (or ``majority``; those with answers in `drawn`) to ``label`` and
            ``model`` to int64 (k, k + 1): rows are the class of label or model, columns the
            verdict, the last one unsure.
        metrics: For MLflow, without undefined ones. For selected cases the names end in
            ``_selected``.
        notes: Notes on interpreting the metrics, as sentences.
    """

    drawn: str
    readers: pd.DataFrame
    pairs: pd.DataFrame
    fleiss: pd.DataFrame
    maps: pd.DataFrame
    confusions: dict[str, dict[str, Codes]]
    metrics: dict[str, float]
    notes: list[str]

    def matrix(self, column: str) -> tuple[list[str], NDArray[np.float64]]:
        """A column of `pairs` as a symmetric matrix, with NaN on the diagonal and if missing.

        Returns:
            The names (readers, then label and model), and float64 (n, n).
        """
        names = [*(n for n in self.readers["reader"] if n in self.confusions), LABEL, MODEL]
        rows = self.pairs[self.pairs["drawn"] == self.drawn]
        half = rows.pivot_table(column, "one", "other", aggfunc="first")
        half = half.reindex(index=names, columns=names).astype(float)
        return names, half.combine_first(half.T).loc[names, names].to_numpy()


def agree(
    answers: pd.DataFrame,
    predictions: pd.DataFrame,
    classes: int = 2,
    draws: int = 1000,
    seed: int = 0,
) -> Agreement:
    """Measure agreement.

    Unsure verdicts are excluded from every kappa, except for the second one between readers, which
    treats unsure as a category. The majority is that of the sure readers; there is none in a tie.
    The answers are those that count, see `idc.reader_study.answer.as_frame`; the predictions have
    ``path``, ``patient``, ``label``, ``predicted`` (at the threshold) and, optionally, ``split``.
    With 0 draws there are no intervals.

    Raises:
        ReviewError: The answers belong to another run.
    """
    cases = count_votes(answers, classes).index
    predictions_of(predictions, list(cases))
    answers = answers.assign(
        reader=answers["reader"].map(distinct(reader_names(answers))),
        drawn=sampling_of(answers, predictions),
    )
    bootstrap = {"draws": draws, "seed": seed}
    parts = {name: answers[answers["drawn"] == name] for name in SAMPLINGS}
    parts = {name: part for name, part in parts.items() if len(part)} or {RANDOM: answers}
    drawn = next(iter(parts))
    results = {name: _part(part, predictions, classes, bootstrap) for name, part in parts.items()}
    main, readers = results[drawn], _reader_table(answers)

    def joined(table: str) -> pd.DataFrame:
        frames: list[pd.DataFrame] = [
            getattr(part, table).assign(drawn=name) for name, part in results.items()
        ]
        return pd.concat(frames, ignore_index=True)

    metrics = as_metrics(drawn, readers, main.pairs, main.fleiss, main.maps, len(cases))
    notes = as_notes(answers["drawn"], readers, main.pairs, main.fleiss)
    tables = joined("pairs"), joined("fleiss"), joined("maps")
    return Agreement(drawn, readers, *tables, main.confusions, metrics, notes)


def sharing_readers(answered: NDArray[np.bool_], least: int = LEAST) -> list[int]:
    """The largest set of readers who share enough cases.

    A reader with few answers must not prevent a kappa of the others. All readers, if they share
    `least` cases; else the largest set of two or more that does (among equal sizes the one that
    shares most); else all, if they share any case; else the set that shares most. `answered` is
    bool (cases, readers); of more than `SEARCHED` readers, those with most answers are considered.

    Returns:
        Column indices, in order; empty if no two readers share a case.
    """
    readers = answered.shape[1]
    of_all = int(answered.all(axis=1).sum())
    if readers > 1 and of_all >= least:
        return list(range(readers))
    places = sorted(np.argsort(-answered.sum(axis=0), kind="stable")[:SEARCHED].tolist())
    best: tuple[int, tuple[int, ...]] = (0, ())
    for size in range(len(places), 1, -1):
        sets = [(int(answered[:, s].all(axis=1).sum()), s) for s in combinations(places, size)]
        most = max(sets, key=lambda pair: pair[0])
        if most[0] >= least:
            return list(most[1])
        best = max(best, most, key=lambda pair: pair[0])
    return list(range(readers)) if of_all and readers > 1 else list(best[1])


class _Part(NamedTuple):
    """Agreement in a part of the answers; see `Agreement`."""

    pairs: pd.DataFrame
    fleiss: pd.DataFrame
    maps: pd.DataFrame
    confusions: dict[str, dict[str, Codes]]


def _part(
    answers: pd.DataFrame, predictions: pd.DataFrame, classes: int, bootstrap: Mapping[str, Any]
) -> _Part:
    votes = count_votes(answers, classes)
    data = predictions_of(predictions, list(votes.index))
    readers = reader_names(answers)
    verdicts = answers.set_index(["reader", "case"])["verdict"]
    codes = {
        name: verdicts[name].reindex(votes.index, fill_value=ABSENT).to_numpy(np.int64)
        for name in readers
    }
    codes |= {
        MAJORITY: votes["majority"].to_numpy(np.int64),
        LABEL: data["label"].to_numpy(np.int64),
        MODEL: data["predicted"].to_numpy(np.int64),
    }
    patients = data["patient"].astype(str).to_numpy(object)
    compared = [("readers", *two) for two in combinations(readers, 2)]
    compared += [(other, name, other) for name in readers for other in (LABEL, MODEL)]
    compared += [(f"{MAJORITY}-{other}", MAJORITY, other) for other in (LABEL, MODEL)]
    compared.append(("data", LABEL, MODEL))
    pairs = pd.DataFrame([_pair(*names, codes, patients, bootstrap) for names in compared])
    confusions = {
        name: {other: _confusion(codes[other], codes[name], classes) for other in (LABEL, MODEL)}
        for name in (*readers, MAJORITY)
    }
    several = _several({name: codes[name] for name in readers}, patients, bootstrap)
    return _Part(pairs, several, _maps(answers), confusions)


def _pair(
    kind: str,
    one: str,
    other: str,
    codes: Mapping[str, Codes],
    patients: Names,
    bootstrap: Mapping[str, Any],
) -> dict[str, Any]:
    a, b = codes[one], codes[other]
    answered = (a != ABSENT) & (b != ABSENT)
    sure = answered & (a != UNSURE) & (b != UNSURE)
    with_unsure = math.nan
    if kind == "readers":
        with_unsure = cohen(a[answered], b[answered], patients[answered], draws=0).value
    return {
        "kind": kind,
        "one": one,
        "other": other,
        "unsure": int((answered & ~sure).sum()),
        **_columns(cohen(a[sure], b[sure], patients[sure], **bootstrap)),
        "kappa_with_unsure": with_unsure,
    }


def _several(
    codes: Mapping[str, Codes], patients: Names, bootstrap: Mapping[str, Any]
) -> pd.DataFrame:
    rows = []
    if len(codes) > 1:
        table, names = np.stack(list(codes.values()), axis=1), list(codes)
        chosen = sharing_readers(table != ABSENT) or list(range(len(names)))
        table, names = table[:, chosen], [names[place] for place in chosen]
        answered = (table != ABSENT).all(axis=1)
        sure = answered & (table != UNSURE).all(axis=1)
        for what, part in (("sure", sure), ("with unsure", answered)):
            values = _columns(fleiss(table[part], patients[part], **bootstrap))
            rows.append({"what": what, "readers": len(names), "of": ", ".join(names), **values})
    return pd.DataFrame(rows, columns=["what", "readers", "of", *COLUMNS])


def _columns(agreement: Kappa) -> dict[str, Any]:
    values = {**asdict(agreement), "kappa": agreement.value}
    return {name: values[name] for name in COLUMNS}


def _confusion(truth: Codes, verdicts: Codes, classes: int) -> Codes:
    answered = verdicts != ABSENT
    table = np.zeros((classes, classes + 1), np.int64)
    np.add.at(table, (truth[answered], verdicts[answered]), 1)  # unsure, -1, is the last column
    return table


def _reader_table(answers: pd.DataFrame) -> pd.DataFrame:
    marked = answers.assign(
        at_random=answers["drawn"] == RANDOM, unsure=answers["verdict"] == UNSURE
    )
    table = marked.groupby("reader").agg(
        cases=("case", "size"),
        at_random=("at_random", "sum"),
        unsure=("unsure", "sum"),
        in_sight=("seen_model", "sum"),
        changed=("changed", "sum"),
        seconds=("seconds", "median"),
    )
    return table.loc[reader_names(answers)].reset_index()


def _maps(answers: pd.DataFrame) -> pd.DataFrame:
    judged = answers[(answers["map_marks"] != "") & (answers["method"] != "")]
    marks = pd.DataFrame({mark: (judged["map_marks"] == mark).astype(int) for mark in MARKS})
    counts = marks.groupby(judged["method"]).sum()
    total = counts.sum(axis=1)
    shares = counts.div(total, axis=0).add_suffix("_share")
    return pd.concat([total.rename("judged"), counts, shares], axis=1).reset_index()
