"""BreaKHis (Spanhol et al. 2016): breast tumours at four magnifications.

Layout: ``.../SOB_<B|M>_<type>-<year>-<slide>-<magnification>-<n>.png`` at any depth, as in
``BreaKHis_v1/histology_slides/breast/malignant/SOB/ductal_carcinoma/SOB_M_DC_14-2523/40X/``.
"""

import os
import re
from collections.abc import Sequence

import pandas as pd

from idc.data.audit.findings import BAD_NAME
from idc.data.decode import MAX_PIXELS, Edge
from idc.data.sources.base import DataCard, Source
from idc.data.sources.tree import IMAGE, OF_ARCHIVE, FileTree
from idc.errors import DataError

NAME = re.compile(
    r"SOB_(?P<tumour>[BM])_(?P<type>[A-Z]+)-(?P<year>\d+)-(?P<slide>\w+)"
    r"-(?P<magnification>\d+)-\d+\.\w+"
)
SUBTYPES = {
    "A": "adenosis",
    "F": "fibroadenoma",
    "PT": "phyllodes tumour",
    "TA": "tubular adenoma",
    "DC": "ductal carcinoma",
    "LC": "lobular carcinoma",
    "MC": "mucinous carcinoma",
    "PC": "papillary carcinoma",
}
TUMOURS = {"B": "benign", "M": "malignant"}
OTHER_MAGNIFICATION = "images of other magnifications"


class BreakhisSource(Source):
    """Breast tumours, benign or malignant, or of eight kinds.

    A patient is the year and number of the slide in the file's name: the tumours of one patient
    (14-13412) are filed under two kinds, and stay together.

    Args:
        root: See `Source`.
        patch_size: See `Source`.
        edge: See `Source`.
        max_pixels: See `Source`.
        positive: See `Source`.
        magnification: ``40X``, ``100X``, ``200X`` or ``400X``; None for all, of which several show
            the same tissue of a patient.
        subtypes: Whether the classes are the eight kinds of tumour.
    """

    name = "breakhis"
    layout = "BreaKHis_v1/histology_slides/breast with files SOB_<B|M>_<type>-<year>-<slide>-..."
    card = DataCard(
        "BreaKHis",
        "Microscope images of H&E-stained breast tumours of 82 patients at four magnifications, "
        "700x460 pixels each.",
        "Benign or malignant by the pathologists of one laboratory; the field of view was chosen "
        "by hand within the tumour.",
        license="CC-BY-4.0",
        citations=(
            "F. A. Spanhol et al., A dataset for breast cancer histopathological image "
            "classification, IEEE Transactions on Biomedical Engineering 2016.",
        ),
        tags=("histopathology", "breast-cancer"),
        stain="H&E",
        images=7_909,
        per_class={"benign": 2_480, "malignant": 5_429},
        patients=82,
    )

    def __init__(
        self,
        root: str | os.PathLike[str],
        patch_size: int = 224,
        edge: Edge = "resize",
        max_pixels: int = MAX_PIXELS,
        positive: str | int | Sequence[str | int] | None = None,
        magnification: str | None = None,
        subtypes: bool = False,
    ) -> None:
        super().__init__(root, patch_size, edge, max_pixels, positive)
        self.magnification, self.subtypes = magnification, subtypes
        self.classes = tuple(SUBTYPES.values()) if subtypes else tuple(TUMOURS.values())
        if not subtypes and self.positive is None:
            self.positive = TUMOURS["M"]

    @property
    def options(self) -> dict[str, object]:
        """See `Source.options`."""
        own = {"magnification": self.magnification, "subtypes": self.subtypes}
        return {**super().options, **own}

    def list_images(self, tree: FileTree) -> pd.DataFrame:
        """List the images; see `Source.list_images`.

        Raises:
            DataError: No file has a name of this set.
        """
        rows: list[tuple[str, str | None, str, str]] = []
        named = 0
        for folder, files in tree.walk(""):
            prefix = f"{folder}/" if folder else ""
            images = [file for file in files if IMAGE.fullmatch(file)]
            tree.ignored[OF_ARCHIVE] += len(files) - len(images)
            for file in images:
                match = NAME.fullmatch(file)
                if match is None or match["type"] not in SUBTYPES:
                    rows.append((f"{prefix}{file}", None, "", BAD_NAME))
                    continue
                named += 1
                if self.magnification not in (None, f"{match['magnification']}X"):
                    tree.ignored[OTHER_MAGNIFICATION] += 1
                    continue
                label = SUBTYPES[match["type"]] if self.subtypes else TUMOURS[match["tumour"]]
                rows.append((f"{prefix}{file}", label, f"{match['year']}-{match['slide']}", ""))
        if not named:
            raise DataError(f"data.root: no image of BreaKHis below {self.root}: {self.layout}.")
        if all(row[1] is None for row in rows):
            raise DataError(
                f"data.magnification={self.magnification}: no image below {self.root} has it."
            )
        return pd.DataFrame(rows, columns=["path", "label", "patient", "checks"])
