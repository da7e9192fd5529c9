"""From the labels that a data set gives its images to its classes, and to numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from idc.data.index import UNKNOWN
from idc.errors import ConfigError, DataError

REST = "rest"  # the negative class of several, where data.positive names the others
SHOWN = 20  # names in a message


def as_names(positive: object) -> tuple[str, ...]:
    """``data.positive`` as names: none for null, one, or each of a list once."""
    if positive is None:
        return ()
    names = positive if isinstance(positive, list | tuple) else [positive]
    return tuple(dict.fromkeys(map(str, names)))


@dataclass(frozen=True)
class Classes:
    """The classes of a data set, and the number of each label.

    Attributes:
        names: The classes in the order of their numbers; of two the positive one comes last.
        codes: Label of the data set to number of its class.
    """

    names: tuple[str, ...]
    codes: dict[str, int]

    def number(self, labels: "pd.Series[str]", joined_by: str | None = None) -> "pd.Series[int]":
        """The class of each image, int64; `UNKNOWN` for labels that are none of the set's.

        Args:
            labels: As the data set writes them.
            joined_by: What joins several labels of one image, of which one positive one suffices;
                None if each image has one label.
        """
        if joined_by is None:
            return labels.map(self.codes).fillna(UNKNOWN).astype("int64")
        of_image = labels.map(lambda text: split_labels(text, joined_by))
        return of_image.map(lambda names: max((self.codes.get(n, 0) for n in names), default=0))


def split_labels(text: str, joined_by: str) -> list[str]:
    """The labels of one image, of which several are joined."""
    return [name.strip() for name in text.split(joined_by) if name.strip()]


def order_classes(
    labels: Sequence[str],
    positive: Sequence[str] = (),
    root: Path | None = None,
    joined: bool = False,
) -> Classes:
    """Classes of the labels that occur.

    Args:
        labels: Each label of the data set once, in order.
        positive: The labels that are the positive class; the others are then the negative one.
            Empty for three classes or more, one for each label.
        root: Where the data lie, for messages.
        joined: Whether an image may have several labels, or none.

    Raises:
        ConfigError: `positive` is missing or does not fit the labels.
        DataError: There are fewer than two classes.
    """
    if len(labels) < 2 and not (joined and labels):
        has = f"only the class {labels[0]}" if labels else "no class"
        raise DataError(f"data.root: {root} has {has}; a classifier needs two or more.")
    shown = ", ".join(labels[:SHOWN]) + (", ..." if len(labels) > SHOWN else "")
    if not positive and len(labels) == 2 and not joined:
        raise ConfigError(f"data.positive: name the positive class: {labels[0]} or {labels[1]}.")
    if not positive and joined:
        raise ConfigError(f"data.positive: name one label, X, or several, [A,B], of {shown}.")
    if not positive:
        return Classes(tuple(labels), {name: code for code, name in enumerate(labels)})
    if unknown := [name for name in positive if name not in labels]:
        raise ConfigError(
            f"data.positive={unknown[0]}: the data have no such class. There are: {shown}."
        )
    negative = [name for name in labels if name not in positive]
    if not negative and not joined:
        raise ConfigError(
            "data.positive: it names every class, so that no negative one is left; leave some out."
        )
    rest = negative[0] if len(negative) == 1 and not joined else REST
    codes = {name: int(name in positive) for name in labels}
    return Classes((rest, " or ".join(positive)), codes)
