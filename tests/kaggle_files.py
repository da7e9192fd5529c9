"""The synthetic set as files."""

from pathlib import Path

import cv2

from idc.data.sources.synthetic import SyntheticSource


def write_kaggle(source: SyntheticSource, root: Path) -> None:
    """Write the set as PNG files in the layout of the Kaggle set."""
    index = source.scan().index
    for path, patch in zip(index["path"], source.read(index).patches, strict=True):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / path), patch[:, :, ::-1])
