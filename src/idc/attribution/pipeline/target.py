"""Which class the maps explain: the one that was called, the label, or a chosen one."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from idc.attribution.pipeline.explained_model import LABEL, PREDICTED, Subject
from idc.data.index import LABELS, is_multi_label
from idc.errors import ConfigError
from idc.evaluation.against_rest import against_rest, classes_of


def check_target(target: str | None, class_names: Sequence[str], multi_label: bool) -> None:
    """Refuse an ``explain.target`` that is no class.

    Raises:
        ConfigError: Names the classes.
    """
    allowed = list(map(str, class_names))
    words = [] if multi_label else [PREDICTED, LABEL]
    if target is not None and str(target) not in allowed + words:
        raise ConfigError(
            f"explain.target={target}: choose {', '.join([*words, *allowed])}"
            f"{' (each image may have several labels)' if multi_label else ''}."
        )


def aim(subject: Subject, pool: pd.DataFrame, target: str | None) -> tuple[Subject, pd.DataFrame]:
    """The subject and the predictions to choose cases from, as a target needs them.

    A chosen class of more than two is seen against the rest, as two classes. So is one of several
    labels, by default the one that most test images have.

    Args:
        subject: The network and its patches.
        pool: The predictions to choose cases from.
        target: ``explain.target``; null for the positive class of two, else the predicted one.

    Raises:
        ConfigError: It is no class of the run.
    """
    names = list(map(str, subject.class_names))
    several = is_multi_label(subject.predictions)
    check_target(target, names, several)
    if several and target is None:
        test = subject.test
        target = max(names, key=lambda name: int(test[f"label_{names.index(name)}"].sum()))
    if len(names) == 2 and not several:
        if target in names:
            subject = replace(subject, explains=names.index(target), focus=target)
        elif target is not None:
            subject = replace(subject, explains=target)
        return subject, pool
    if target is None or target in (PREDICTED, LABEL):
        return replace(subject, explains=target or PREDICTED), _with_words(pool, names)
    number = names.index(target)

    def view(frame: pd.DataFrame) -> pd.DataFrame:
        seen = against_rest(_with_words(frame, names), number)
        return seen.drop(columns=LABELS, errors="ignore")

    seen = replace(
        subject,
        predictions=view(subject.predictions),
        class_names=(f"no {target}" if several else f"not {target}", target),
        threshold=subject.thresholds[number] if subject.thresholds else None,
        explains=number,
        focus=target,
    )
    return seen, view(pool)


def _with_words(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The frame with ``labelled`` and ``called``, in words."""
    rows = frame.to_dict("records")
    words = {"labelled": "label", "called": "predicted"}
    return frame.assign(
        **{k: [classes_of(row, names, of) for row in rows] for k, of in words.items()}
    )
