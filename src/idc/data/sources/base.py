"""The base class of data sets, their cards, and what their listing of images returns."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.audit.findings import BAD_NAME
from idc.data.decode import MAX_PIXELS, Edge, Reading
from idc.data.files import Pixels, read_files
from idc.data.index import STAIN, UNKNOWN, conform
from idc.data.sources.class_codes import Classes, as_names, order_classes
from idc.data.sources.tree import FileTree, NotRead
from idc.errors import ConfigError, DataError, first_line


@dataclass(frozen=True)
class DataCard:
    """The facts about a data set.

    Attributes:
        title: Its name.
        about: What it is, in sentences.
        labels: How reliable its labels are, in a sentence.
        license: The licence of the images, as its publisher names it; "" if not stated.
        citations: What to cite.
        tags: For searching.
        stain: How the tissue was stained, such as ``H&E``; "" if it is no stained tissue. Ink,
            glass, grey patches and the balance of the stains are looked at in H&E only.
        drawn: Whether a program drew the images.
        images: The published number of images.
        per_class: That of each class, by name.
        patients: The published number of patients.
    """

    title: str
    about: str = "Labelled images."
    labels: str = "The labels are people's judgement; the model is judged by it, right or wrong."
    license: str = ""
    citations: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    stain: str = ""
    drawn: bool = False
    images: int | None = None
    per_class: Mapping[str, int] | None = None
    patients: int | None = None

    @property
    def is_h_and_e(self) -> bool:
        """Whether the images show tissue stained with haematoxylin and eosin."""
        return self.stain == "H&E"


def read_card(values: Mapping[str, Any] | None, title: str) -> DataCard:
    """The card of a set that is described in YAML.

    Args:
        values: ``data.card``; null leaves a key out.
        title: The name of a set that gives none.

    Raises:
        ConfigError: A key is unknown.
    """
    given: dict[str, Any] = {"title": title}
    for key, value in (values or {}).items():
        if value is not None:
            given[key] = tuple(value) if isinstance(value, list) else value
    try:
        return DataCard(**given)
    except TypeError as error:
        keys = ", ".join(DataCard.__dataclass_fields__)
        raise ConfigError(f"data.card: {first_line(error)}. Its keys are {keys}.") from error


@dataclass(frozen=True)
class Scan:
    """What lies below a data set's root.

    Attributes:
        index: One row per image, with the columns of `idc.data.index.INDEX`, in an order that does
            not depend on the file system.
        not_read: Files that no image was read from and that should not be there: the finding
            ``not_read``.
        ignored: What is left out on purpose, such as hidden files, and the number of each.
        folders: When each folder that was listed (and each table that was read) was last changed,
            in ns since 1970, by its path relative to the root ("." for the root): a packed store
            is current as long as this holds. Empty for a set without files.
    """

    index: pd.DataFrame
    not_read: tuple[NotRead, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)
    folders: Mapping[str, int] = field(default_factory=dict)


class Source(ABC):
    """A data set: a cheap list of its images and an expensive read of their pixels.

    A new set is a subclass with a name, its classes, its card and `list_images`; `read` is
    overridden only where images are no files below the root.

    Attributes:
        name: Short name of the set.
        classes: Names of the classes.
        positive: Which of two classes is positive if the configuration names none.
        joined_by: What joins several labels of one image; None if each image has one.
        card: What is published about the set.
        of_archive: Findings that the published archive itself has: they are counted, and kept
            where the audit would stop for them.
        layout: Which files are expected below the root, for messages.
        root: The folder of the files; None for a set that has none.
        patch_size: Side of the patches that `read` returns, in pixels.
        reading: How images of more than 8 bits, and files of several, are read.

    Args:
        root: See above.
        patch_size: See above.
        edge: How smaller images are brought to the patch size; see `idc.data.decode.fit_square`.
        max_pixels: An image with more pixels is not decoded.
        positive: Name of the positive class of two; or one or several of more classes, which
            then are the positive class against the rest.
    """

    name: str
    classes: tuple[str, ...] = ()
    positive: str | list[str] | None = None
    joined_by: str | None = None
    card: DataCard
    of_archive: tuple[str, ...] = ()
    layout: str = "image files"
    reading = Reading()

    def __init__(
        self,
        root: str | os.PathLike[str] | None,
        patch_size: int = 50,
        edge: Edge = "pad",
        max_pixels: int = MAX_PIXELS,
        positive: str | int | Sequence[str | int] | None = None,
    ) -> None:
        self.root = None if root is None else Path(root).expanduser()
        self.patch_size = patch_size
        self.edge: Edge = edge
        self.max_pixels = max_pixels
        if names := as_names(positive):
            self.positive = names[0] if len(names) == 1 else list(names)

    @abstractmethod
    def list_images(self, tree: FileTree) -> pd.DataFrame:
        """List the images without reading them.

        Args:
            tree: Lists folders below the root and counts what no image is read from.

        Returns:
            One row per image with the columns of `idc.data.index.INDEX`, but ``label`` holds the
            name of the class. An image of another class, or of None, is a `bad_name`.
        """

    def read(self, index: pd.DataFrame) -> Pixels:
        """Read the pixels of any rows of an index that `scan` returned.

        A file that cannot be decoded is reported in the facts and raises nothing.
        """
        assert self.root is not None
        paths = index["path"].tolist()
        return read_files(
            self.root, paths, self.patch_size, self.edge, self.max_pixels, self.reading
        )

    def file_of(self, path: str) -> str:
        """The file below the root that holds an image, where one file holds several."""
        return path

    def find_classes(self) -> tuple[str, ...]:
        """The names of the classes, where the files decide them."""
        return self.classes

    @property
    def patients_known(self) -> bool:
        """Whether the set says which images are of one patient."""
        return True

    @property
    def options(self) -> Mapping[str, Any]:
        """What else index and pixels depend on: one store is kept for each combination."""
        other: dict[str, Any] = (
            {} if self.positive == type(self).positive else {"positive": self.positive}
        )
        if self.reading != Reading():
            other |= asdict(self.reading)
        return {"edge": self.edge, "max_pixels": self.max_pixels, **other}

    @cached_property
    def _classes(self) -> Classes:
        joined = self.joined_by is not None
        return order_classes(self.find_classes(), as_names(self.positive), self.root, joined)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes in the order of the labels; of two the positive comes last.

        Raises:
            ConfigError: ``data.positive`` is missing or does not fit the classes.
            DataError: There are fewer than two classes.
        """
        return self._classes.names

    @property
    def multi_label(self) -> bool:
        """Whether an image may be of several classes, or of none; see `class_names`."""
        return self._classes.multi_label

    def scan(self) -> Scan:
        """List the images without reading them, and count what is none.

        Raises:
            DataError: There is nothing to read.
        """
        if self.root is not None and not self.root.is_dir():
            raise DataError(
                f"data.root: there is no folder {self.root}. Give the folder that holds "
                f"{self.layout}, as data.root=DIR."
            )
        tree = FileTree(self.root or Path())
        table = self.list_images(tree)
        if table.empty:
            raise DataError(
                f"data.root: no image found below {self.root}. Expected {self.layout}."
                + "".join(f"\n  {some}" for some in tree.not_read)
            )
        table = self._classes.numbered(table, self.joined_by)
        if not self.card.is_h_and_e:
            table[STAIN] = self.card.stain
        index = conform(table, self.name)
        # Without a class it cannot be used: the audit drops it or stops.
        nameless = index["label"].eq(UNKNOWN) & ~index["checks"].str.contains(BAD_NAME)
        index.loc[nameless, "checks"] = (BAD_NAME + "," + index["checks"]).str.rstrip(",")
        return Scan(index, tree.not_read, dict(tree.ignored), tree.folders)


@runtime_checkable
class KnowsTruth(Protocol):
    """A data set that knows where in an image the signal is, as one that is drawn does."""

    def truth(self, index: pd.DataFrame) -> NDArray[np.bool_]:
        """The pixels that make an image what it is.

        Args:
            index: Any rows of an index that `Source.scan` returned.

        Returns:
            bool (n, P, P): the tumour nuclei; none in a patch of class 0.
        """
        ...
