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
from idc.data.decode import Edge
from idc.data.files import read_files
from idc.data.sources.base import Known, Pixels
from idc.errors import DataError

NESTED_COPY = "IDC_regular_ps50_idx5"
NAME = re.compile(r"([^_/]+)_idx5_x(\d+)_y(\d+)_class([01])\.png")
LAYOUT = "<patient>/<0 or 1>/<patient>_idx5_x<X>_y<Y>_class<0 or 1>.png"
UNKNOWN = -1
Row = tuple[str, int, str, int, int, str]


class IdcSource:
    """IDC patches in the Kaggle layout.

    Label, patient and position are those of a file's name; where its folders say otherwise, the
    index tells (`label_mismatch`, `patient_mismatch`), and a PNG file with another name is
    `bad_name`.

    Args:
        root: The folder that holds the patients' folders (or the unpacked zip's
            ``IDC_regular_ps50_idx5`` alone).
        patch_size: Side of a stored patch in pixels; 50 in the published set.
        edge: What to do with the smaller patches at a slide's edge: ``pad`` or ``resize``.
    """

    name = "idc"
    class_names = ("no IDC", "IDC")
    known = Known(per_class=(198_738, 78_786), groups=279)

    def __init__(
        self, root: str | os.PathLike[str], patch_size: int = 50, edge: Edge = "pad"
    ) -> None:
        self.root = Path(root).expanduser()
        self.patch_size = patch_size
        self.edge: Edge = edge
        self.options: Mapping[str, str | int | float | None] = {"edge": edge}

    def scan(self) -> pd.DataFrame:
        """List the patches; see `idc.data.sources.base.Source.scan`.

        Raises:
            DataError: The root is missing or holds no patch.
        """
        if not self.root.is_dir():
            raise DataError(
                f"data.root: there is no folder {self.root}. Give the folder that holds the "
                f"patients' folders, as data.root=DIR."
            )
        rows = [row for prefix, patient in self._patients() for row in self._scan(prefix, patient)]
        if not rows:
            raise DataError(
                f"data.root: no patch found below {self.root}. Expected files {LAYOUT}."
            )
        index = pd.DataFrame(rows, columns=["path", "label", "group", "x", "y", "checks"])
        return index.astype({"label": "int64", "x": "int64", "y": "int64"})

    def _patients(self) -> list[tuple[str, str]]:
        """Each patient's folder as a prefix of its paths, and the patient."""
        names = _folders(self.root)
        outer = [name for name in names if name != NESTED_COPY]
        if not outer and names:  # the zip was unpacked without its outer copy
            return [(f"{NESTED_COPY}/{n}", n) for n in _folders(self.root / NESTED_COPY)]
        return [(name, name) for name in outer]

    def _scan(self, prefix: str, patient: str) -> list[Row]:
        rows: list[Row] = []
        for folder in _folders(self.root / prefix):
            names = os.listdir(self.root / prefix / folder)  # noqa: PTH208 (ten times faster)
            rows += [
                _row(f"{prefix}/{folder}/{name}", name, folder, patient)
                for name in sorted(names)
                if name.endswith(".png")
            ]
        return rows

    def read(self, index: pd.DataFrame) -> Pixels:
        """Read patches; see `idc.data.sources.base.Source.read`."""
        return read_files(self.root, index["path"].tolist(), self.patch_size, self.edge)


def _folders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir())


def _row(path: str, name: str, folder: str, patient: str) -> Row:
    match = NAME.fullmatch(name)
    if match is None:
        return path, UNKNOWN, patient, UNKNOWN, UNKNOWN, BAD_NAME
    group, x, y, label = match.groups()
    found = [LABEL_MISMATCH] if label != folder else []
    found += [PATIENT_MISMATCH] if group != patient else []
    return path, int(label), group, int(x), int(y), join(found)
