"""ChestX-ray14 of the NIH (Wang et al. 2017), or a part of it."""

import hashlib
from dataclasses import replace

from idc.data.sources.table import TableSource
from idc.data.text_file import Lines, read_text
from idc.errors import DataError

LISTS = {"test_list.txt": "test", "train_val_list.txt": "train"}
VAL_SHARE = 10  # of the training patients of the official lists one in ten validates


class ChestXraySource(TableSource):
    """Radiographs by finding; the official lists, if they are there, are a predefined split.

    The lists name test images, and images for training and validation together, of other patients:
    a tenth of these patients, chosen by a hash of the number, are taken for validation. For
    arguments see `TableSource`.
    """

    name = "chest_xray"
    of_archive = ("odd_mode",)  # some of its grey images are saved as RGBA
    layout = "Data_Entry_2017.csv or sample_labels.csv, and the images in any folders"

    def _lines(self) -> Lines:
        lines = super()._lines()
        assert self.root is not None
        files = {self.root / name: split for name, split in LISTS.items()}
        if "split" in lines.columns or not all(file.is_file() for file in files):
            return lines
        split: dict[str, str] = {}
        for file, name in files.items():
            images = read_text(file, "data.root", "Remove it, or fetch it again.")[1].split()
            if twice := next((image for image in images if image in split), None):
                raise DataError(
                    f"data.root: {file} names {twice}, and so does {self.root / min(LISTS)}: it "
                    f"would be trained on and tested. Remove it from one, or fetch both again."
                )
            split |= dict.fromkeys(images, name)
        table = lines.table.copy()
        table["split"] = table["path"].map(split).fillna("unused")
        train = table["split"] == "train"
        validates = table["patient"].map(_digest) % VAL_SHARE == 0
        table.loc[train & validates, "split"] = "val"
        return replace(lines, table=table)


def _digest(patient: str) -> int:
    return int.from_bytes(hashlib.sha256(patient.encode()).digest()[:4], "big")
