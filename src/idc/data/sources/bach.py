"""BACH (ICIAR 2018 grand challenge, Aresta et al. 2019): breast tissue, cut into squares.

Layout: ``Photos/{Benign,InSitu,Invasive,Normal}/<name>.tif``, 2048x1536 pixels each, at or below
the root.
"""

import os
from collections.abc import Sequence
from itertools import groupby

import numpy as np
import pandas as pd
from PIL import Image

from idc.data.decode import MAX_PIXELS, Edge, fit_square
from idc.data.files import Pixels, facts_table, read_images
from idc.data.sources.base import DataCard, Source
from idc.data.sources.tree import FileTree, find_folder
from idc.errors import ConfigError, DataError

FOLDERS = ("", "Photos", "ICIAR2018_BACH_Challenge/Photos")
TILE = "#"  # between a file and the corner of a square that is cut from it


class BachSource(Source):
    """Squares of microscope images of breast tissue; of four classes.

    A patient is an image: which images are of one patient is not published.

    Args:
        root: See `Source`.
        patch_size: See `Source`; each square is resized to it.
        edge: See `Source`.
        max_pixels: See `Source`.
        positive: See `Source`; [InSitu,Invasive] tells carcinoma from the rest.
        tile: Side of the squares, pixels of the image.
        stride: Distance of their edges, pixels; less than `tile` lets them overlap.

    Raises:
        ConfigError: Squares would leave pixels out between them.
    """

    name = "bach"
    classes = ("Normal", "Benign", "InSitu", "Invasive")
    layout = "Photos/Normal, Photos/Benign, Photos/InSitu and Photos/Invasive"
    card = DataCard(
        "BACH",
        "Microscope images of H&E-stained breast tissue, 2048x1536 pixels at 0.42 um, cut into "
        "squares that have the label of their image.",
        "Two pathologists agreed on one label for each image; a square of it may show none of "
        "what the label says. Images of one patient may be in two splits: the patients are not "
        "published.",
        license="CC-BY-NC-ND-4.0",
        citations=(
            "G. Aresta et al., BACH: Grand challenge on breast cancer histology images, Medical "
            "Image Analysis 2019.",
        ),
        tags=("histopathology", "breast-cancer"),
        stain="H&E",
        images=400,
        per_class=dict.fromkeys(classes, 100),
    )

    def __init__(
        self,
        root: str | os.PathLike[str],
        patch_size: int = 128,
        edge: Edge = "resize",
        max_pixels: int = MAX_PIXELS,
        positive: str | int | Sequence[str | int] | None = None,
        tile: int = 512,
        stride: int = 512,
    ) -> None:
        super().__init__(root, patch_size, edge, max_pixels, positive)
        if stride > tile:
            raise ConfigError(
                f"data.stride={stride}: squares of data.tile={tile} pixels would leave out what "
                f"lies between them. Give a stride of at most {tile}."
            )
        self.tile, self.stride = tile, stride

    @property
    def patients_known(self) -> bool:
        """That they are not published."""
        return False

    @property
    def options(self) -> dict[str, object]:
        """See `Source.options`."""
        return {**super().options, "tile": self.tile, "stride": self.stride}

    def file_of(self, path: str) -> str:
        """The image that a square is cut from."""
        return path.rpartition(TILE)[0] or path

    def list_images(self, tree: FileTree) -> pd.DataFrame:
        """List the squares; ``x`` and ``y`` are in pixels after resizing.

        Raises:
            DataError: The class folders lie elsewhere, or an image is smaller than a square.
        """
        assert self.root is not None
        top = find_folder(self.root, self.classes, FOLDERS)
        rows: list[tuple[str, str, str, int, int]] = []
        for name in self.classes:
            for path in tree.list_images(f"{top}{name}"):
                width, height = self._size(path)
                across, down = ((n - self.tile) // self.stride + 1 for n in (width, height))
                for row, column in np.ndindex(down, across):
                    corner = f"{column * self.stride},{row * self.stride}"
                    x, y = (n * self.stride * self.patch_size // self.tile for n in (column, row))
                    rows.append((f"{path}{TILE}{corner}", name, path, x, y))
        return pd.DataFrame(rows, columns=["path", "label", "patient", "x", "y"])

    def read(self, index: pd.DataFrame) -> Pixels:
        """Cut squares from their images, each of which is decoded once."""
        assert self.root is not None
        patches = np.zeros((len(index), self.patch_size, self.patch_size, 3), np.uint8)
        paths = index["path"].tolist()
        facts = []
        for file, group in groupby(enumerate(paths), lambda item: self.file_of(item[1])):
            image, fact = next(read_images(self.root, [file], self.max_pixels))
            for row, path in group:
                if image is not None:
                    x, y = map(int, path.rpartition(TILE)[2].split(","))
                    square = image[y : y + self.tile, x : x + self.tile]
                    patches[row] = fit_square(square, self.patch_size, "resize")
                facts.append(fact)
        return Pixels(patches, facts_table(facts))

    def _size(self, path: str) -> tuple[int, int]:
        """Width and height by the header; those of a square for a file that cannot be read."""
        assert self.root is not None
        try:
            with Image.open(self.root / path) as image:
                size: tuple[int, int] = image.size
        except (OSError, ValueError, SyntaxError):
            return self.tile, self.tile
        if min(size) < self.tile:
            raise DataError(
                f"data.tile={self.tile}: {self.root / path} has only {size[0]}x{size[1]} pixels."
            )
        return size
