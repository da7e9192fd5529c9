"""The set "Breast Histopathology Images" (Cruz-Roa et al. 2014), as Kaggle distributes it.

Layout: ``<patient>/<class>/<patient>_idx5_x<X>_y<Y>_class<C>.png``. X and Y are the patch's corner
on the slide, C the label (0 no IDC, 1 IDC). The zip holds a second copy of every patient in
``IDC_regular_ps50_idx5/``; only the outer copy is read.
"""

import re

import pandas as pd

from idc.data.audit.findings import BAD_NAME, LABEL_MISMATCH, PATIENT_MISMATCH, join
from idc.data.decode import SUFFIXES
from idc.data.index import UNKNOWN
from idc.data.sources.base import DataCard, Source
from idc.data.sources.tree import IMAGE, NO_IMAGE, TOO_DEEP, FileTree

NESTED_COPY = "IDC_regular_ps50_idx5"
# A position of more digits is no pixel of a slide, and would not fit into the index.
NAME = re.compile(
    rf"(.+)_idx5_x([0-9]{{1,9}})_y([0-9]{{1,9}})_class([01])\.(?i:{'|'.join(SUFFIXES)})"
)
LAYOUT = "<patient>/<0 or 1>/<patient>_idx5_x<X>_y<Y>_class<0 or 1>.png"
TOO_HIGH = "above the folders of the classes"
SECOND_COPY = "the second copy in the zip"
Row = tuple[str, str | None, str, int, int, str]


class IdcSource(Source):
    """IDC patches in the Kaggle layout.

    Label, patient and position are those of a file's name; where its folders say otherwise, the
    index says so (`label_mismatch`, `patient_mismatch`), and an image file with another name is
    `bad_name`. Files elsewhere, and of other kinds, are counted as `not_read`.

    The root holds the patients' folders (or the unpacked zip's ``IDC_regular_ps50_idx5`` alone).
    """

    name = "idc"
    classes = ("no IDC", "IDC")
    positive = "IDC"
    layout = f"files {LAYOUT}"
    card = DataCard(
        "Breast Histopathology Images",
        "Patches of 50x50 pixels, cut from H&E-stained whole slide images of breast tissue, "
        "labelled by whether they lie in a region that a pathologist outlined as invasive ductal "
        "carcinoma.",
        "The labels are a pathologist's outlines, cut into squares: patches on an outline may be "
        "labelled wrongly, and the model is judged by them.",
        citations=(
            "A. Cruz-Roa et al., Automatic detection of invasive ductal carcinoma in whole slide "
            "images with convolutional neural networks, SPIE Medical Imaging 2014.",
            "A. Janowczyk and A. Madabhushi, Deep learning for digital pathology image analysis: "
            "A comprehensive tutorial with selected use cases, Journal of Pathology Informatics "
            "2016.",
        ),
        tags=("histopathology", "breast-cancer"),
        stain="H&E",
        images=277_524,
        per_class={"no IDC": 198_738, "IDC": 78_786},
        patients=279,
    )

    def list_images(self, tree: FileTree) -> pd.DataFrame:
        """List the patches; see `Source.list_images`."""
        names, files = tree.list_folder("")
        tree.pass_over(files, TOO_HIGH)
        rows = [row for n in names if n != NESTED_COPY for row in _patient(tree, n, n)]
        if NESTED_COPY in names:
            if any(row[1] is not None for row in rows):
                tree.ignore_tree(NESTED_COPY, SECOND_COPY)
            else:  # the zip was unpacked without its outer copy
                names, files = tree.list_folder(NESTED_COPY)
                tree.pass_over([f"{NESTED_COPY}/{name}" for name in files], TOO_HIGH)
                rows += [row for n in names for row in _patient(tree, f"{NESTED_COPY}/{n}", n)]
        return pd.DataFrame(rows, columns=["path", "label", "patient", "x", "y", "checks"])


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
        return path, None, patient, UNKNOWN, UNKNOWN, BAD_NAME
    of_name, x, y, label = match.groups()
    findings = [LABEL_MISMATCH] if label != folder else []
    findings += [PATIENT_MISMATCH] if of_name != patient else []
    return path, IdcSource.classes[int(label)], of_name, int(x), int(y), join(findings)
