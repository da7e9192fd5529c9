"""From the labels that a data set gives its images to its classes, and to numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from idc.data.index import JOINT, LABELS, UNKNOWN
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
        codes: Label of the data set to number of its class; 1 for each if `multi_label`.
        multi_label: Whether an image may be of several classes, or of none.
    """

    names: tuple[str, ...]
    codes: dict[str, int]
    multi_label: bool = False

    def numbered(self, table: pd.DataFrame, joined_by: str | None = None) -> pd.DataFrame:
        """The table with numbers in place of labels; see `idc.data.index.INDEX`.

        Args:
            table: ``label`` as the data set writes it.
            joined_by: What joins several labels of one image, of which one positive one suffices;
                None if each image has one label.
        """
        labels = table["label"]
        if joined_by is None:
            return table.assign(label=labels.map(self.codes).fillna(UNKNOWN).astype("int64"))
        of_image = labels.map(lambda text: split_labels(text, joined_by))
        any_of = of_image.map(lambda names: max((self.codes.get(n, 0) for n in names), default=0))
        table = table.assign(label=any_of.astype("int64"))
        if not self.multi_label:
            return table
        return table.assign(**{LABELS: of_image.map(lambda names: JOINT.join(sorted(set(names))))})


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
            Empty for a class of each label.
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
        if clash := [name for name in labels if JOINT in name]:
            raise DataError(f"data.columns.label: '{clash[0]}' has a {JOINT}; rename the label.")
        return Classes(tuple(labels), dict.fromkeys(labels, 1), multi_label=True)
    if not positive:
        return Classes(tuple(labels), {name: code for code, name in enumerate(labels)})
    if unknown := [name for name in positive if name not in labels]:
        each = " Or null, for each as a class of its own." if joined or len(labels) > 2 else ""
        raise ConfigError(
            f"data.positive={unknown[0]}: the data have no such class. There are: {shown}.{each}"
        )
    negative = [name for name in labels if name not in positive]
    if not negative and not joined:
        raise ConfigError(
            "data.positive: it names every class, so that no negative one is left; leave some out."
        )
    rest = negative[0] if len(negative) == 1 and not joined else REST
    codes = {name: int(name in positive) for name in labels}
    return Classes((rest, " or ".join(positive)), codes)
