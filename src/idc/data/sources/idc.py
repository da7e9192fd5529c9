"""The set "Breast Histopathology Images" (Cruz-Roa et al. 2014), as Kaggle distributes it.

Layout: ``<patient>/<class>/<patient>_idx5_x<X>_y<Y>_class<C>.png``. X and Y are the patch's corner
on the slide, C the label (0 no IDC, 1 IDC). The zip holds a second copy of every patient in
``IDC_regular_ps50_idx5/``; only the outer copy is read.
"""

import os
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from idc.data.decode import Edge, OddModeError, UnreadableError, decode, fit_square
from idc.data.sources.base import Pixels, fingerprint
from idc.errors import DataError

NESTED_COPY = "IDC_regular_ps50_idx5"
NAME = re.compile(r"(?P<group>[^_/]+)_idx5_x(?P<x>\d+)_y(?P<y>\d+)_class(?P<label>[01])\.png")
LAYOUT = "<patient>/<0 or 1>/<patient>_idx5_x<X>_y<Y>_class<0 or 1>.png"
SHOWN = 5


class IdcSource:
    """IDC patches in the Kaggle layout.

    Args:
        root: The folder that holds the patients' folders (or the unpacked zip's
            ``IDC_regular_ps50_idx5`` alone).
        patch_size: Side of a stored patch in pixels; 50 in the published set.
        edge: What to do with the smaller patches at a slide's edge: ``pad`` or ``resize``.
        on_unreadable: ``fail``, or ``drop`` (counted and logged) files that cannot be decoded.
        on_odd_mode: ``fail``, ``drop``, or ``convert`` images that are not 8-bit RGB.
        on_bad_name: ``fail``, or ``drop`` PNG files whose name does not follow the layout.
        threads: Files read at once.
    """

    name = "idc"
    class_names = ("no IDC", "IDC")

    def __init__(
        self,
        root: str | os.PathLike[str],
        patch_size: int = 50,
        edge: Edge = "pad",
        on_unreadable: Literal["fail", "drop"] = "fail",
        on_odd_mode: Literal["fail", "drop", "convert"] = "fail",
        on_bad_name: Literal["fail", "drop"] = "fail",
        threads: int = 8,
    ) -> None:
        self.root = Path(root).expanduser()
        self.patch_size = patch_size
        self.edge: Edge = edge
        self.on_unreadable = on_unreadable
        self.on_odd_mode = on_odd_mode
        self.on_bad_name = on_bad_name
        self.threads = threads
        self.bad_names = 0

    def scan(self) -> pd.DataFrame:
        """List the patches; see `idc.data.sources.base.Source.scan`.

        Raises:
            DataError: The root is missing, holds no patch, a file's name breaks the layout, or
                its label or patient disagrees with its folder.
        """
        if not self.root.is_dir():
            raise DataError(
                f"data.root: there is no folder {self.root}. Give the folder that holds the "
                f"patients' folders, as data.root=DIR."
            )
        rows = [row for patient in self._patients() for row in self._scan_patient(patient)]
        if not rows:
            raise DataError(
                f"data.root: no patch found below {self.root}. Expected files {LAYOUT}."
            )
        index = pd.DataFrame(rows, columns=["path", "label", "group", "x", "y"])
        return index.astype({"label": "int64", "x": "int64", "y": "int64"})

    def _patients(self) -> list[Path]:
        folders = sorted(p for p in self.root.iterdir() if p.is_dir())
        outer = [p for p in folders if p.name != NESTED_COPY]
        if not outer and len(folders) == 1:  # the zip was unpacked without its outer copy
            return sorted(p for p in folders[0].iterdir() if p.is_dir())
        return outer

    def _scan_patient(self, patient: Path) -> list[tuple[str, int, str, int, int]]:
        rows = []
        for path in sorted(patient.glob("*/*.png")):
            relative = path.relative_to(self.root).as_posix()
            match = NAME.fullmatch(path.name)
            if match is None:
                if self.on_bad_name == "fail":
                    raise DataError(
                        f"{relative}: the name does not follow {LAYOUT}. Rename or remove the "
                        f"file, or set data.on_bad_name=drop."
                    )
                self.bad_names += 1
                continue
            if match["label"] != path.parent.name:
                raise DataError(
                    f"{relative}: the name says class {match['label']}, its folder says "
                    f"'{path.parent.name}'. Find out which is right and move or rename the file."
                )
            if match["group"] != patient.name:
                raise DataError(
                    f"{relative}: the name says patient {match['group']}, its folder says "
                    f"'{patient.name}'. Move or rename the file: a patch filed under the wrong "
                    f"patient leaks between splits."
                )
            rows.append(
                (relative, int(match["label"]), match["group"], int(match["x"]), int(match["y"]))
            )
        return rows

    def read(self, index: pd.DataFrame) -> Pixels:
        """Read every patch of the index; see `idc.data.sources.base.Source.read`."""
        count, size = len(index), self.patch_size
        patches = np.zeros((count, size, size, 3), np.uint8)
        paths = index["path"].tolist()
        with ThreadPoolExecutor(self.threads) as pool:
            problems = list(pool.map(lambda i: self._read_one(paths[i], patches[i]), range(count)))
        notes: Counter[str] = Counter()
        if self.bad_names:
            notes["dropped: file name does not follow the layout"] = self.bad_names
        readable = np.ones(count, bool)
        fatal: list[str] = []
        for i, (note, verdict) in enumerate(problems):
            if verdict == "fail":
                fatal.append(f"{paths[i]}: {note}")
            elif verdict == "drop":
                readable[i] = False
                notes[f"dropped: {note}"] += 1
            elif note:
                notes[note] += 1
        if fatal:
            raise DataError(self._fatal_message(fatal))
        return Pixels(patches, readable, dict(notes), fingerprint(patches, index))

    def _read_one(self, relative: str, out: NDArray[np.uint8]) -> tuple[str, str]:
        """Read a file into `out`; returns a note (or "") and keep, drop or fail."""
        try:
            data = (self.root / relative).read_bytes()
            decoded = decode(data, convert=self.on_odd_mode == "convert")
        except OSError as error:
            return f"it cannot be opened ({error.strerror})", self.on_unreadable
        except UnreadableError as error:
            return str(error), self.on_unreadable
        except OddModeError as error:
            return str(error), self.on_odd_mode
        out[...] = fit_square(decoded.patch, self.patch_size, self.edge)
        if decoded.converted_from:
            return f"converted from {decoded.converted_from}", "keep"
        if decoded.patch.shape[:2] != out.shape[:2]:
            return f"smaller or larger than {self.patch_size} pixels: {self.edge}", "keep"
        return "", "keep"

    def _fatal_message(self, fatal: list[str]) -> str:
        shown = "\n  ".join(fatal[:SHOWN])
        more = f"\n  and {len(fatal) - SHOWN} more" if len(fatal) > SHOWN else ""
        return (
            f"{len(fatal)} file(s) below {self.root} cannot be used:\n  {shown}{more}\n"
            f"Replace them, or set data.on_unreadable=drop (broken files) or "
            f"data.on_odd_mode=convert|drop (grey, 16-bit, RGBA); what is dropped is counted "
            f"and logged."
        )
