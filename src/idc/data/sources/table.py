"""Any set of image files that a table lists, described in YAML alone (``data=table``)."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from posixpath import normpath
from typing import Any

import numpy as np
import pandas as pd

from idc.data.decode import MAX_PIXELS, Edge, Reading
from idc.data.index import POSITION, PREDEFINED, WEIGHT
from idc.data.radiology import require_library
from idc.data.sources.base import Source, read_card
from idc.data.sources.class_codes import split_labels
from idc.data.sources.folder import SPLIT_FOLDERS
from idc.data.sources.propose import columns_of
from idc.data.sources.tree import FileTree, below
from idc.data.split.base import UNUSED, sort_patients
from idc.data.split.predefined import LEFT_OUT, STAYS
from idc.data.text_file import Lines, read_csv_lines
from idc.errors import ConfigError, DataError, first_line

NEEDED, OPTIONAL = ("path", "label", "patient"), ("split", *POSITION, WEIGHT)
MOST = 2**31  # of a position, in pixels
PARQUET = (".parquet", ".pq")
ANYWHERE = "**/"


class TableSource(Source):
    """Images that a CSV or Parquet table lists, one row per image.

    Args:
        root: The folder that the paths in the table are relative to.
        table: The table; a relative path is below `root`. Of several the first that is there.
        columns: Names of the table's columns: ``path``, ``label``, ``patient`` (None if it is
            unknown which images are of one patient), and, taken only if the table has them,
            ``split`` (train, val, test or unused), ``x`` and ``y`` (pixels on the slide), and
            ``weight`` (how often an image is drawn in training, relative to the others).
        path_template: Where the image lies, ``*`` in place of the value of the path column, such
            as ``images/*.jpg``; None if the column holds whole paths. What begins with ``**/`` is
            looked for at any depth below `root`.
        patch_size: See `Source`.
        edge: See `Source`.
        max_pixels: See `Source`.
        positive: See `Source`.
        labels_joined_by: What joins several labels of one image in the label column, such as
            ``|``; None if each image has one.
        no_label: The label of an image that has none, such as ``No Finding``; None if it is left
            empty.
        card: What is published about the set; see `idc.data.sources.base.DataCard`.
        window: See `idc.data.decode.Reading`.
        slice: See `idc.data.decode.Reading`.

    Raises:
        ConfigError: A column that is needed is null, the template has no ``*``, a label for none
            is given without a joint, or the card has an unknown key.
    """

    name = "table"
    layout = "the images that data.table lists"

    def __init__(
        self,
        root: str | os.PathLike[str],
        table: str | os.PathLike[str] | Sequence[str],
        columns: Mapping[str, str | None] | None = None,
        path_template: str | None = None,
        patch_size: int = 50,
        edge: Edge = "resize",
        max_pixels: int = MAX_PIXELS,
        positive: str | int | Sequence[str | int] | None = None,
        labels_joined_by: str | None = None,
        no_label: str | int | None = None,
        card: Mapping[str, Any] | None = None,
        window: Sequence[float] | None = None,
        slice: int | None = None,
    ) -> None:
        super().__init__(root, patch_size, edge, max_pixels, positive)
        self.reading = Reading(None if window is None else (window[0], window[1]), slice)
        assert self.root is not None
        names = [table] if isinstance(table, str | os.PathLike) else table
        files = [self.root / Path(name).expanduser() for name in names]
        self.file = next((file for file in files if file.is_file()), files[0])
        self.columns: dict[str, str | None] = {name: name for name in (*NEEDED, *OPTIONAL)}
        given = (columns or {}).items()
        self.columns |= {name: None if c is None else str(c) for name, c in given}
        for name in ("path", "label"):
            if self.columns[name] is None:
                raise ConfigError(f"data.columns.{name}=null: name the column of the table.")
        if path_template is not None and "*" not in path_template:
            raise ConfigError(
                f"data.path_template={path_template}: write * where the value of the column "
                f"'{self.columns['path']}' belongs, such as images/*.jpg."
            )
        self.path_template = path_template
        if no_label is not None and labels_joined_by is None:
            raise ConfigError(
                f"data.no_label={no_label}: it is for images with several labels or none; give "
                f"what joins them too, such as data.labels_joined_by='|'."
            )
        self.joined_by = labels_joined_by
        self.no_label = None if no_label is None else str(no_label)
        self.card = read_card(card, self.file.stem)

    @property
    def patients_known(self) -> bool:
        """Whether a column names the patients."""
        return self.columns["patient"] is not None

    @property
    def options(self) -> Mapping[str, Any]:
        """See `Source.options`."""
        own: dict[str, Any] = {"columns": self.columns, "path_template": self.path_template}
        if self.joined_by is not None:
            own |= {"labels_joined_by": self.joined_by, "no_label": self.no_label}
        table = {"table": str(self.file), "stain": self.card.stain}
        return {**super().options, **own, **table}

    def find_classes(self) -> tuple[str, ...]:
        """The labels of the table, sorted (as numbers, if all are)."""
        labels = self._rows["label"].unique().tolist()
        if self.joined_by is not None:
            labels = list({name for text in labels for name in split_labels(text, self.joined_by)})
        return tuple(sort_patients(labels))

    def list_images(self, tree: FileTree) -> pd.DataFrame:
        """The rows of the table; see `Source.list_images`.

        Raises:
            ConfigError: There is no such table.
            DataError: The table lacks a column, a value is wrong, or no image is there; the line
                and the column are named.
        """
        tree.note_time(str(self.file))
        rows = self._rows
        require_library(rows["path"])
        for folder in sorted({path.rpartition("/")[0] or "." for path in rows["path"]}):
            tree.note_time(folder)
        return rows.reset_index(drop=True)

    @cached_property
    def _rows(self) -> pd.DataFrame:
        """The checked rows, with the columns of the index, on the numbers of their lines."""
        lines = self._lines()
        raw = lines.table
        table = raw[["path", "label"]].copy()

        def refuse(wrong: Any, name: str, problem: str) -> None:
            lines.refuse(wrong, str(self.columns[name]), problem)

        refuse(table["path"] == "", "path", "it is empty")
        if self.joined_by is None or self.no_label is not None:
            refuse(table["label"] == "", "label", "it is empty")
        if self.joined_by is not None and self.no_label is not None:
            labels = table["label"].map(lambda text: split_labels(text, str(self.joined_by)))
            without = labels.map(lambda names: self.no_label in names)
            several = labels.map(len) > 1
            refuse(without & several, "label", f"'{self.no_label}' stands beside another label")
            table.loc[without, "label"] = ""
        if self.path_template is not None:
            form = self.path_template.removeprefix(ANYWHERE)
            table["path"] = [form.replace("*", v) for v in table["path"]]
            if form != self.path_template:
                table["path"] = self._places(table["path"])
        leads_away = table["path"].map(lambda path: bool(STAYS.match(path)))
        refuse(leads_away, "path", "write it relative to data.root, with / between folders")
        table["path"] = table["path"].map(normpath)  # ./a and a, a//b and a/b are one image
        refuse(table["path"].duplicated(), "path", "an earlier line names the same image")
        table["patient"] = raw["patient"] if self.patients_known else table["path"]
        refuse(table["patient"] == "", "patient", "it is empty")
        if "split" in raw:
            table[PREDEFINED] = raw["split"].str.lower().map({**SPLIT_FOLDERS, LEFT_OUT: UNUSED})
            refuse(table[PREDEFINED].isna(), "split", "give train, val, test or unused")
        for name in POSITION:
            if name in raw:
                value = pd.to_numeric(raw[name], errors="coerce").astype(np.float64)
                whole = (value >= 0) & (value < MOST) & (value % 1 == 0)
                refuse(~whole, name, "give a whole number of pixels, 0 or more")
                table[name] = value.astype(np.int64)
        if WEIGHT in raw:
            table[WEIGHT] = pd.to_numeric(raw[WEIGHT], errors="coerce").astype(np.float64)
            refuse(~table[WEIGHT].between(0, MOST), WEIGHT, "give a number of 0 or more")
        assert self.root is not None
        if not any((self.root / path).is_file() for path in table["path"]):
            problem = f"there is no file {self.root / table['path'].iloc[0]}"
            first = np.arange(len(table)) == 0
            refuse(first, "path", problem.replace("{", "{{").replace("}", "}}"))
        return table

    def _places(self, names: "pd.Series[str]") -> "pd.Series[str]":
        """Paths below the root of files at any depth; a name that no file has stays."""
        assert self.root is not None
        places: dict[str, str] = {}
        named = set(names)
        for folder, files in FileTree(self.root).walk(""):
            for name in named.intersection(files):
                if (first := places.setdefault(name, below(folder, name))) != below(folder, name):
                    raise DataError(
                        f"data.path_template={self.path_template}: {self.root} holds two files "
                        f"{name}: {first} and {below(folder, name)}. Remove one of them."
                    )
        return names.map(lambda name: places.get(name, name))

    def _lines(self) -> Lines:
        """The columns that are used, as text, by our names."""
        lines = _read(self.file)
        counts, used = Counter(lines.columns), {}
        for name, column in self.columns.items():
            if column is None:
                continue
            if counts[column] == 1:
                used[name] = column
            elif counts[column] or name in NEEDED or column != name:
                what = "twice the" if counts[column] else "no"
                null = ", or null if the patients are unknown" if name == "patient" else ""
                likely = columns_of(lines.table, self.root or self.file.parent)
                shown = " ".join(f"\"{key}='{value}'\"" for key, value in likely.items())
                raise DataError(
                    f"data.columns.{name}: {self.file} has {what} column '{column}'; its columns "
                    f"are {', '.join(lines.columns)}. Set data.columns.{name}=NAME{null}."
                    + (f" What they seem to be: {shown}" if shown else "")
                )
        if ("x" in used) != ("y" in used):
            raise DataError(
                f"data.columns: {self.file} has a column for one of x and y only; name both, or "
                f"set data.columns.x=null data.columns.y=null."
            )
        if lines.table.empty:
            raise DataError(f"data.table: {self.file} has no line below its columns.")
        columns = {name: lines.table[column].str.strip() for name, column in used.items()}
        return replace(lines, table=pd.DataFrame(columns))


def _read(file: Path) -> Lines:
    """A table's rows as text."""
    if file.suffix.lower() not in PARQUET:
        give = "Give a CSV or Parquet file with one row per image, as data.table=FILE."
        return read_csv_lines(file, "data.table", "data.table", give, _has_columns)
    try:
        frame = pd.read_parquet(file)
    except FileNotFoundError as error:
        raise ConfigError(f"data.table: there is no file {file}.") from error
    except (OSError, ValueError) as error:
        raise DataError(f"data.table: {file} is no Parquet file ({first_line(error)}).") from error
    text = frame.astype(object).where(frame.notna(), "").astype(str).astype(object)
    text = text.rename(columns=str).set_axis(np.arange(1, len(frame) + 1))
    return Lines("data.table", file, text, unit="row")


def _has_columns(path: Path, header: list[str]) -> None:
    if not header:
        raise DataError(f"data.table: {path} is empty; its first line must name the columns.")
