"""PatchCamelyon (Veeling et al. 2018): lymph node patches of 96x96 pixels in HDF5 files.

Layout: ``camelyonpatch_level_2_split_<train|valid|test>_<x|y>.h5`` and, for the slides,
``..._meta.csv``, at the root.
"""

import os
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from idc.data.decode import MAX_PIXELS, RGB, Edge, fit_square
from idc.data.files import Pixels
from idc.data.index import PREDEFINED
from idc.data.sources.base import DataCard, Source
from idc.data.sources.tree import FileTree
from idc.data.text_file import read_csv_lines
from idc.errors import DataError, first_line

FILE = "camelyonpatch_level_2_split_{}_{}"
SPLITS = {"train": "train", "valid": "val", "test": "test"}
GIVE = "It comes with the archive, and names the slide of each patch."


class PcamSource(Source):
    """Lymph node patches by whether their centre of 32x32 pixels holds metastatic tissue.

    A patient is a slide (``wsi`` of the meta table); the archive's own splits are predefined.
    """

    name = "pcam"
    classes = ("no tumour", "tumour")
    positive = "tumour"
    layout = f"{FILE.format('train', 'x.h5')} and its siblings, unpacked"
    card = DataCard(
        "PatchCamelyon",
        "Patches of 96x96 pixels at 0.97 um, cut from H&E-stained slides of sentinel lymph nodes "
        "(Camelyon16).",
        "Positive if at least one pixel of the central 32x32 is in a region that pathologists "
        "outlined as metastasis; tumour in the margin does not count.",
        license="CC0-1.0",
        citations=(
            "B. S. Veeling et al., Rotation equivariant CNNs for digital pathology, MICCAI 2018.",
            "B. Ehteshami Bejnordi et al., Diagnostic assessment of deep learning algorithms for "
            "detection of lymph node metastases in women with breast cancer, JAMA 2017.",
        ),
        tags=("histopathology", "metastasis"),
        stain="H&E",
        images=327_680,
    )

    def __init__(
        self,
        root: str | os.PathLike[str],
        patch_size: int = 96,
        edge: Edge = "resize",
        max_pixels: int = MAX_PIXELS,
        positive: str | int | Sequence[str | int] | None = None,
    ) -> None:
        super().__init__(root, patch_size, edge, max_pixels, positive)

    def file_of(self, path: str) -> str:
        """The file that holds a patch of ``<split>/<number>``."""
        return FILE.format(path.partition("/")[0], "x.h5")

    def list_images(self, tree: FileTree) -> pd.DataFrame:
        """List the patches of the splits that are there; see `Source.list_images`.

        Raises:
            ConfigError: The table of the slides is not there.
            DataError: h5py is not installed, there is no split, a file is damaged, or the files
                of a split do not fit one another.
        """
        assert self.root is not None
        tree.list_folder("")
        parts = []
        for name, split in SPLITS.items():
            if not (self.root / FILE.format(name, "x.h5")).is_file():
                continue
            labels = self._array(name, "y", lambda array: array[:]).reshape(-1)
            meta = self.root / (FILE.format(name, "meta") + ".csv")
            for file in (meta, self.root / FILE.format(name, "y.h5")):
                tree.note_time(str(file))
            slides = read_csv_lines(meta, "data.root", "data.root", GIVE, _has_wsi).table["wsi"]
            if len(slides) != len(labels):
                raise DataError(
                    f"data.root: {meta} has {len(slides):,} lines for {len(labels):,} patches. "
                    f"Fetch it again: both must be of the same archive."
                )
            if (slides.str.strip() == "").any():
                line = slides.index[slides.str.strip() == ""][0]
                raise DataError(
                    f"data.root: {meta}, line {line}, column wsi: it is empty, so that the slide "
                    f"of the patch is unknown. Fetch it again."
                )
            self._check_pixels(name, len(labels))
            part = pd.DataFrame({"label": np.array(self.classes, object)[(labels > 0) * 1]})
            part["path"] = [f"{name}/{number:06d}" for number in range(len(labels))]
            part["patient"], part[PREDEFINED] = slides.to_numpy(object), split
            parts.append(part)
        if not parts:
            packed = sorted(self.root.glob("*.h5.gz"))
            what = f"Unpack {packed[0].name} and the others" if packed else "Give their folder"
            raise DataError(f"data.root: {self.root} has no {self.layout}. {what}.")
        return pd.concat(parts, ignore_index=True)

    def read(self, index: pd.DataFrame) -> Pixels:
        """Read patches from the archive's arrays."""
        assert self.root is not None
        patches = np.zeros((len(index), self.patch_size, self.patch_size, 3), np.uint8)
        facts = pd.DataFrame({"width": 96, "height": 96}, index=range(len(index)), dtype="int32")
        facts = facts.assign(mode=RGB, format="HDF5", bytes=-1, mtime=-1, hash="", problem="")
        names = index["path"].str.partition("/")
        for name in names[0].unique():
            rows = np.flatnonzero(names[0] == name)
            status = (self.root / FILE.format(name, "x.h5")).stat()
            facts.loc[rows, "bytes"], facts.loc[rows, "mtime"] = status.st_size, status.st_mtime_ns
            numbers = names[2].iloc[rows].astype(np.int64).to_numpy()
            order = np.argsort(numbers)  # HDF5 takes rising numbers only
            read = self._array(name, "x", itemgetter(numbers[order]))
            facts.loc[rows, ["height", "width"]] = read.shape[1:3]
            for row, image in zip(rows[order], read, strict=True):
                patches[row] = fit_square(np.asarray(image, np.uint8), self.patch_size, self.edge)
        return Pixels(patches, facts)

    def _check_pixels(self, name: str, patches: int) -> None:
        """Refuse pixels that are no 8-bit RGB image for each label."""
        shape, kind = self._array(name, "x", lambda array: (array.shape, array.dtype))
        assert self.root is not None
        file = self.root / FILE.format(name, "x.h5")
        if len(shape) != 4 or shape[3] != 3 or kind != np.uint8:
            raise DataError(
                f"data.root: the array x of {file} is {kind} of shape {shape}, not uint8 (patches, "
                f"height, width, 3). Fetch it again."
            )
        if shape[0] != patches:
            raise DataError(
                f"data.root: {file} has {shape[0]:,} patches for {patches:,} labels. Fetch "
                f"it again: both must be of the same archive."
            )

    def _array(self, name: str, which: str, take: Callable[[Any], Any]) -> Any:
        """What is taken of one of the archive's arrays; HDF5 reads no more than that."""
        try:
            import h5py
        except ImportError as error:
            raise DataError(
                "data=pcam needs the package h5py: install idc with its extra, idc[hdf5]."
            ) from error
        assert self.root is not None
        file = self.root / FILE.format(name, f"{which}.h5")
        try:
            with h5py.File(file, "r") as archive:
                return take(archive[which])
        except (OSError, KeyError, TypeError) as error:
            raise DataError(
                f"data.root: {file} cannot be read as an HDF5 file with an array {which} "
                f"({first_line(error)}). Fetch it again."
            ) from error


def _has_wsi(path: object, header: list[str]) -> None:
    if "wsi" not in header:
        raise DataError(f"data.root: {path} has no column wsi. {GIVE}")
