"""How far readers agree with one another, with the label and with the model."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.reader_study.agreement_words import SHARES, as_metrics, as_notes
from idc.reader_study.answer import UNSURE
from idc.reader_study.drawn import DRAWN, RANDOM, drawn_words, how_drawn
from idc.reader_study.kappa import Kappa, cohen, fleiss
from idc.reader_study.sharing import sharing_readers
from idc.reader_study.votes import (
    LABEL,
    MAJORITY,
    MODEL,
    count_votes,
    distinct,
    reader_names,
    said_by_data,
)

Codes = NDArray[np.int64]
Names = NDArray[np.object_]
ABSENT = -2  # no answer
COLUMNS = ("cases", "observed", "kappa", "low", "high", "patients", "note")


@dataclass(frozen=True)
class Agreement:
    """What `agree` finds.

    Answers to cases that came in random order are kept apart from answers to selected cases, see
    `idc.reader_study.drawn.how_drawn`: `pairs`, `fleiss` and `maps` have rows of both, and a column
    ``drawn`` (random or selected) that tells them apart. Whatever else there is of agreement is
    of `drawn` alone.

    Attributes:
        drawn: What metrics, matrix and confusions are of: ``random``, if there are such answers.
        readers: A row a reader, in the order of their names: ``reader``, ``cases`` (answered),
            ``at_random`` (of these, drawn at random), ``unsure``, ``in_sight`` (verdicts given
            with the model's answer in sight), ``changed`` (verdicts changed once it was),
            ``seconds`` (median a case).
        pairs: A row a pair: ``kind`` (readers, label, model, majority-label, majority-model, data
            for label and model), ``one``, ``other`` (names), ``cases`` (both sure), ``unsure``
            (cases left out because one of the two is not), ``observed`` (share that agrees),
            ``kappa``, ``low``, ``high`` (Cohen's, and its interval), ``patients``,
            ``kappa_with_unsure`` (unsure as a category of its own; two readers only) and ``note``.
        fleiss: Fleiss' kappa over the cases that all readers answered (or, where those are too
            few, the readers of `idc.reader_study.sharing.sharing_readers`), two rows, or none for
            one reader: ``what`` (``sure``: cases in which nobody is unsure; ``with unsure``: all,
            with unsure as a category), ``readers`` (their number), ``of`` (their names),
            ``cases``, ``observed``, ``kappa``, ``low``,
            ``high``, ``patients``, ``note``.
        maps: A row a method whose maps were judged: ``method``, ``judged``, ``right``,
            ``partly``, ``wrong`` (counts of answers) and ``right_share``, ``partly_share``,
            ``wrong_share``.
        confusions: Reader (or ``majority``; those with answers in `drawn`) to ``label`` and
            ``model`` to int64 (k, k + 1): rows what label or model says, columns the verdict, the
            last one unsure.
        metrics: For MLflow; what is not defined is left out. Of selected cases the names end in
            ``_selected``.
        notes: What to know of the numbers, in sentences.
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
        """A column of `pairs` as a symmetric matrix, with NaN on the diagonal and where unknown.

        Returns:
            The names (readers, then label and model), and float64 (n, n).
        """
        names = [*(n for n in self.readers["reader"] if n in self.confusions), LABEL, MODEL]
        places = {name: place for place, name in enumerate(names)}
        values = np.full((len(names), len(names)), np.nan)
        for row in self.pairs[self.pairs["drawn"] == self.drawn].to_dict("records"):
            if MAJORITY not in row["kind"]:
                i, j = places[row["one"]], places[row["other"]]
                values[i, j] = values[j, i] = row[column]
        return names, values


def agree(
    answers: pd.DataFrame,
    predictions: pd.DataFrame,
    classes: int = 2,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Agreement:
    """Measure agreement.

    Unsure is no class: such verdicts are left out of every kappa, but for the second of the
    figures between readers, which takes unsure as a category of its own. The majority is that of
    the readers who are sure; where they are level there is none.

    Args:
        answers: What counts, see `idc.reader_study.answer.as_frame`.
        predictions: ``path``, ``patient``, ``label``, ``predicted`` (at the threshold) and, for
            the test split to be known, ``split``.
        classes: k.
        draws: Draws of the bootstrap; 0 for no intervals.
        level: Coverage of the intervals, in (0, 1).
        seed: Fixes the draws.

    Raises:
        ReviewError: The answers are of another run.
    """
    cases = count_votes(answers, classes).index
    said_by_data(predictions, list(cases))
    answers = answers.assign(
        reader=answers["reader"].map(distinct(reader_names(answers))),
        drawn=how_drawn(answers, predictions),
    )
    how = {"draws": draws, "level": level, "seed": seed}
    parts = {name: answers[answers["drawn"] == name] for name in DRAWN}
    parts = {name: part for name, part in parts.items() if len(part)} or {RANDOM: answers}
    drawn = next(iter(parts))
    found = {name: _part(part, predictions, classes, how) for name, part in parts.items()}
    lead = found[drawn]
    readers = _about_readers(answers)
    pairs, several, maps = (
        pd.concat(
            [getattr(part, table).assign(drawn=name) for name, part in found.items()],
            ignore_index=True,
        )
        for table in ("pairs", "fleiss", "maps")
    )
    metrics = as_metrics(drawn, readers, lead.pairs, lead.fleiss, lead.maps, len(cases))
    notes = drawn_words(answers["drawn"]) + as_notes(readers, lead.pairs, lead.fleiss)
    return Agreement(drawn, readers, pairs, several, maps, lead.confusions, metrics, notes)


@dataclass(frozen=True)
class _Part:
    """Agreement in some of the answers; see `Agreement`."""

    pairs: pd.DataFrame
    fleiss: pd.DataFrame
    maps: pd.DataFrame
    confusions: dict[str, dict[str, Codes]]


def _part(
    answers: pd.DataFrame, predictions: pd.DataFrame, classes: int, how: Mapping[str, Any]
) -> _Part:
    votes = count_votes(answers, classes)
    data = said_by_data(predictions, list(votes.index))
    readers = reader_names(answers)
    verdicts = answers.set_index(["reader", "case"])["verdict"]
    said = {
        name: verdicts[name].reindex(votes.index, fill_value=ABSENT).to_numpy(np.int64)
        for name in readers
    }
    said |= {
        MAJORITY: votes["majority"].to_numpy(np.int64),
        LABEL: data["label"].to_numpy(np.int64),
        MODEL: data["predicted"].to_numpy(np.int64),
    }
    patients = data["patient"].astype(str).to_numpy(object)
    wanted = [("readers", *two) for two in combinations(readers, 2)]
    wanted += [(other, name, other) for name in readers for other in (LABEL, MODEL)]
    wanted += [(f"{MAJORITY}-{other}", MAJORITY, other) for other in (LABEL, MODEL)]
    wanted.append(("data", LABEL, MODEL))
    pairs = pd.DataFrame([_pair(*names, said, patients, how) for names in wanted])
    confusions = {
        name: {other: _confusion(said[other], said[name], classes) for other in (LABEL, MODEL)}
        for name in (*readers, MAJORITY)
    }
    several = _several({name: said[name] for name in readers}, patients, how)
    return _Part(pairs, several, _maps(answers), confusions)


def _pair(
    kind: str,
    one: str,
    other: str,
    said: Mapping[str, Codes],
    patients: Names,
    how: Mapping[str, Any],
) -> dict[str, Any]:
    a, b = said[one], said[other]
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
        **_columns(cohen(a[sure], b[sure], patients[sure], **how)),
        "kappa_with_unsure": with_unsure,
    }


def _several(said: Mapping[str, Codes], patients: Names, how: Mapping[str, Any]) -> pd.DataFrame:
    rows = []
    if len(said) > 1:
        table, names = np.stack(list(said.values()), axis=1), list(said)
        chosen = sharing_readers(table != ABSENT) or list(range(len(names)))
        table, names = table[:, chosen], [names[place] for place in chosen]
        answered = (table != ABSENT).all(axis=1)
        sure = answered & (table != UNSURE).all(axis=1)
        for what, part in (("sure", sure), ("with unsure", answered)):
            found = _columns(fleiss(table[part], patients[part], **how))
            rows.append({"what": what, "readers": len(names), "of": ", ".join(names), **found})
    return pd.DataFrame(rows, columns=["what", "readers", "of", *COLUMNS])


def _columns(found: Kappa) -> dict[str, Any]:
    values: dict[str, Any] = asdict(found)
    values["kappa"] = found.value
    return {name: values[name] for name in COLUMNS}


def _confusion(truth: Codes, verdicts: Codes, classes: int) -> Codes:
    answered = verdicts != ABSENT
    table = np.zeros((classes, classes + 1), np.int64)
    np.add.at(table, (truth[answered], verdicts[answered]), 1)  # unsure, -1, is the last column
    return table


def _about_readers(answers: pd.DataFrame) -> pd.DataFrame:
    rows = [
        {
            "reader": name,
            "cases": len(part),
            "at_random": int((part["drawn"] == RANDOM).sum()),
            "unsure": int((part["verdict"] == UNSURE).sum()),
            "in_sight": int(part["seen_model"].sum()),
            "changed": int(part["changed"].sum()),
            "seconds": float(part["seconds"].median()),
        }
        for name in reader_names(answers)
        for part in [answers[answers["reader"] == name]]
    ]
    columns = ["reader", "cases", "at_random", "unsure", "in_sight", "changed", "seconds"]
    return pd.DataFrame(rows, columns=columns)


def _maps(answers: pd.DataFrame) -> pd.DataFrame:
    judged = answers[(answers["map_marks"] != "") & (answers["method"] != "")]
    rows = []
    for method, marks in judged.groupby("method", sort=True)["map_marks"]:
        counts = [int((marks == mark).sum()) for mark in SHARES]
        shares = [number / len(marks) for number in counts]
        rows.append((str(method), len(marks), *counts, *shares))
    columns = ["method", "judged", *SHARES, *(f"{mark}_share" for mark in SHARES)]
    return pd.DataFrame(rows, columns=columns)
