"""The set "Breast Histopathology Images" (Cruz-Roa et al. 2014), as Kaggle distributes it.

Layout: ``<patient>/<class>/<patient>_idx5_x<X>_y<Y>_class<C>.png``. X and Y are the patch's corner
on the slide, C the label (0 no IDC, 1 IDC). The zip holds a second copy of every patient in
``IDC_regular_ps50_idx5/``; only the outer copy is read.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from idc.data.audit.findings import BAD_NAME, LABEL_MISMATCH, PATIENT_MISMATCH, join
from idc.data.decode import MAX_PIXELS, SUFFIXES, Edge
from idc.data.files import read_files
from idc.data.sources.base import Known, Pixels, Scan
from idc.data.sources.tree import IMAGE, NO_IMAGE, FileTree
from idc.errors import DataError

NESTED_COPY = "IDC_regular_ps50_idx5"
# A position of more digits is no pixel of a slide, and would not fit into the index.
NAME = re.compile(
    rf"(.+)_idx5_x([0-9]{{1,9}})_y([0-9]{{1,9}})_class([01])\.(?i:{'|'.join(SUFFIXES)})"
)
LAYOUT = "<patient>/<0 or 1>/<patient>_idx5_x<X>_y<Y>_class<0 or 1>.png"
UNKNOWN = -1
TOO_HIGH = "above the folders of the classes"
TOO_DEEP = "below the folders of the classes"
SECOND_COPY = "the second copy in the zip"
Row = tuple[str, int, str, int, int, str]


class IdcSource:
    """IDC patches in the Kaggle layout.

    Label, patient and position are those of a file's name; where its folders say otherwise, the
    index tells (`label_mismatch`, `patient_mismatch`), and an image file with another name is
    `bad_name`. Files elsewhere, and of other kinds, are counted as `not_read`.

    Args:
        root: The folder that holds the patients' folders (or the unpacked zip's
            ``IDC_regular_ps50_idx5`` alone).
        patch_size: Side of a stored patch in pixels; 50 in the published set.
        edge: What to do with the smaller patches at a slide's edge: ``pad`` or ``resize``.
        max_pixels: An image with more pixels than this is not decoded.
    """

    name = "idc"
    class_names = ("no IDC", "IDC")
    known = Known(per_class=(198_738, 78_786), groups=279)

    def __init__(
        self,
        root: str | os.PathLike[str],
        patch_size: int = 50,
        edge: Edge = "pad",
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.root = Path(root).expanduser()
        self.patch_size = patch_size
        self.edge: Edge = edge
        self.max_pixels = max_pixels
        self.options: Mapping[str, str | int | float | None] = {
            "edge": edge,
            "max_pixels": max_pixels,
        }

    def scan(self) -> Scan:
        """List the patches; see `idc.data.sources.base.Source.scan`.

        Raises:
            DataError: The root is missing or holds no patch.
        """
        if not self.root.is_dir():
            raise DataError(
                f"data.root: there is no folder {self.root}. Give the folder that holds the "
                f"patients' folders, as data.root=DIR."
            )
        tree = FileTree(self.root)
        names, files = tree.list_folder("")
        tree.pass_over(files, TOO_HIGH)
        rows = [row for n in names if n != NESTED_COPY for row in _patient(tree, n, n)]
        if NESTED_COPY in names:
            if any(row[1] != UNKNOWN for row in rows):
                tree.ignore_tree(NESTED_COPY, SECOND_COPY)
            else:  # the zip was unpacked without its outer copy
                names, files = tree.list_folder(NESTED_COPY)
                tree.pass_over([f"{NESTED_COPY}/{name}" for name in files], TOO_HIGH)
                rows += [row for n in names for row in _patient(tree, f"{NESTED_COPY}/{n}", n)]
        if not rows:
            raise DataError(
                f"data.root: no patch found below {self.root}. Expected files {LAYOUT}."
                + "".join(f"\n  {some}" for some in tree.not_read)
            )
        index = pd.DataFrame(rows, columns=["path", "label", "patient", "x", "y", "checks"])
        index = index.astype({"label": "int64", "x": "int64", "y": "int64"})
        return Scan(index, tree.not_read, dict(tree.ignored), tree.folders)

    def read(self, index: pd.DataFrame) -> Pixels:
        """Read patches; see `idc.data.sources.base.Source.read`."""
        return read_files(
            self.root, index["path"].tolist(), self.patch_size, self.edge, self.max_pixels
        )


def _patient(tree: FileTree, prefix: str, patient: str) -> list[Row]:
    """The rows of the folder of a patient."""
    rows: list[Row] = []
    folders, files = tree.list_folder(prefix)
    tree.pass_over([f"{prefix}/{name}" for name in files], TOO_HIGH)
    for folder in folders:
        place = f"{prefix}/{folder}"
        deeper, files = tree.list_folder(place, follow=False)
        others = []
        for name in files:
            match = NAME.fullmatch(name)
            if match or IMAGE.fullmatch(name):
                rows.append(_row(f"{place}/{name}", match, folder, patient))
            else:
                others.append(f"{place}/{name}")
        tree.pass_over(others, NO_IMAGE)
        for name in deeper:
            tree.pass_tree(f"{place}/{name}", TOO_DEEP)
    return rows


def _row(path: str, match: re.Match[str] | None, folder: str, patient: str) -> Row:
    if match is None:
        return path, UNKNOWN, patient, UNKNOWN, UNKNOWN, BAD_NAME
    group, x, y, label = match.groups()
    found = [LABEL_MISMATCH] if label != folder else []
    found += [PATIENT_MISMATCH] if group != patient else []
    return path, int(label), group, int(x), int(y), join(found)
