"""Any set of image files in class folders, described in YAML alone (``data=folder``).

Layout: ``<class>/.../<image>``, or, where the set has splits of its own,
``<train|val|test>/<class>/.../<image>``. Images may lie at any depth below the class folder and
have any size; they are resized to the patch size.
"""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from idc.data.audit.findings import BAD_NAME
from idc.data.decode import MAX_PIXELS, Edge, Reading
from idc.data.index import PREDEFINED
from idc.data.radiology import read_patient_id, require_library
from idc.data.sources.base import Source, read_card
from idc.data.sources.propose import common_folders, tables_in
from idc.data.sources.tree import NO_IMAGE, FileTree
from idc.errors import ConfigError, DataError
from idc.tracking.privacy import Pseudonyms

SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "val",
    "valid": "val",
    "validation": "val",
}
PARENT = "folder"  # the pattern that takes the folder that holds the image
DICOM = "dicom"  # the pattern that takes the patient's ID of DICOM, under a pseudonym
OUTSIDE = "outside of the class folders"


class FolderSource(Source):
    """Images in class folders.

    Args:
        root: The folder that holds the class folders, or the split folders that hold them.
        patch_size: See `Source`.
        edge: See `Source`.
        max_pixels: See `Source`.
        positive: See `Source`.
        patient_pattern: A regular expression with a group named ``patient`` that is searched for
            in the path below the root; ``folder`` for the folder that holds the image; None if it
            is unknown which images are of one patient. An image that it does not fit is a
            `bad_name`. ``dicom`` takes the PatientID of DICOM files; only its pseudonym ever
            enters the index.
        card: What is published about the set; see `idc.data.sources.base.DataCard`.
        window: See `idc.data.decode.Reading`.
        slice: See `idc.data.decode.Reading`.
        class_depth: How deep the class folders lie: 2 for ``<patient>/<class>/<image>``; None
            for 1, unless that looks wrong.

    Raises:
        ConfigError: The pattern is no regular expression or has no such group, or the card has an
            unknown key.
    """

    name = "folder"
    layout = "class folders with images, or train, val and test folders with class folders"

    def __init__(
        self,
        root: str | os.PathLike[str],
        patch_size: int = 50,
        edge: Edge = "resize",
        max_pixels: int = MAX_PIXELS,
        positive: str | int | Sequence[str | int] | None = None,
        patient_pattern: str | None = None,
        card: Mapping[str, Any] | None = None,
        window: Sequence[float] | None = None,
        slice: int | None = None,
        class_depth: int | None = None,
    ) -> None:
        super().__init__(root, patch_size, edge, max_pixels, positive)
        self.reading = Reading(None if window is None else (window[0], window[1]), slice)
        self.patient_pattern = patient_pattern
        self.class_depth = class_depth
        self._names = Pseudonyms.from_environment() if patient_pattern == DICOM else None
        named = patient_pattern in (None, PARENT, DICOM)
        self._pattern = None if named else _compiled(patient_pattern)
        assert self.root is not None
        self.card = read_card(card, self.root.name)

    @property
    def patients_known(self) -> bool:
        """Whether there is a pattern."""
        return self.patient_pattern is not None

    @property
    def options(self) -> Mapping[str, Any]:
        """See `Source.options`."""
        own: dict[str, Any] = {"patient_pattern": self.patient_pattern, "stain": self.card.stain}
        if self.class_depth is not None:
            own["class_depth"] = self.class_depth
        if self._names is not None:  # patients have other names under another key
            own["key"] = self._names.of("")
        return {**super().options, **own}

    def find_classes(self) -> tuple[str, ...]:
        """The names of the class folders, sorted.

        Raises:
            DataError: Split folders and other folders lie side by side, or the class folders lie
                one level deeper.
        """
        assert self.root is not None
        tree = FileTree(self.root)
        folders = self._class_folders(tree)
        names = sorted({name for _, name, _ in folders})
        if self.class_depth is None and (
            common := common_folders([folder for folder, _, _ in folders], tree)
        ):
            raise DataError(
                f"data.root: most of the {len(folders)} folders of {self.root} hold the folders "
                f"{', '.join(common)}. If those are the classes, set data.class_depth=2 and, if "
                f'the {len(folders)} are the patients, "data.patient_pattern='
                f"'^(?P<patient>[^/]+)/'\"; else set data.class_depth=1."
            )
        if len(names) < 2 and (tables := tables_in(self.root)):
            raise DataError(
                f"data.root: {self.root} has {len(names)} class folder(s), and a table "
                f"{tables[0]}. If the table has the labels: data=table data.table={tables[0]}."
            )
        if len(names) == 1 and len(deeper := tree.list_folder(names[0])[0]) > 1:
            raise DataError(
                f"data.root: {self.root} holds the single class folder {names[0]}, which holds "
                f"{', '.join(deeper[:5])}. If those are the classes, set "
                f"data.root={self.root / names[0]}."
            )
        return tuple(names)

    def list_images(self, tree: FileTree) -> pd.DataFrame:
        """List the images; see `Source.list_images`.

        Raises:
            DataError: The pattern fits no image.
        """
        rows: list[tuple[str, str | None, str, str, str]] = []
        for folder, name, split in self._class_folders(tree):
            for below, files in tree.walk(folder):
                images = [file for file in files if tree.is_image(below, file)]
                tree.pass_over([f"{below}/{f}" for f in files if f not in set(images)], NO_IMAGE)
                for file in images:
                    path = f"{below}/{file}"
                    patient = self._patient(path, folder)
                    if patient is None:
                        rows.append((path, None, "", BAD_NAME, split))
                    else:
                        rows.append((path, name, patient, "", split))
        require_library(row[0] for row in rows)
        if rows and all(row[3] for row in rows):
            raise DataError(
                f"data.patient_pattern={self.patient_pattern}: it fits none of the {len(rows):,} "
                f"images, such as {rows[0][0]}. "
                + (
                    "They are no DICOM files with a PatientID."
                    if self.patient_pattern == DICOM
                    else "It is searched for in the path below data.root."
                )
            )
        table = pd.DataFrame(rows, columns=["path", "label", "patient", "checks", PREDEFINED])
        return table if table[PREDEFINED].any() else table.drop(columns=PREDEFINED)

    def _patient(self, path: str, class_folder: str) -> str | None:
        if self.patient_pattern is None:
            return path
        if self._names is not None:
            assert self.root is not None
            identity = read_patient_id(self.root / path)
            return self._names.of(identity) if identity else None
        if self._pattern is None:
            parts = path.removeprefix(f"{class_folder}/").split("/")
            return parts[-2] if len(parts) > 1 else None
        match = self._pattern.search(path)
        return (match["patient"] or None) if match else None

    def _class_folders(self, tree: FileTree) -> list[tuple[str, str, str]]:
        """Folder, class and split ("" without split folders) of each class folder."""
        names, files = tree.list_folder("")
        tree.pass_over(files, OUTSIDE)
        splits = {name: SPLIT_FOLDERS.get(name.lower(), "") for name in names}
        if not any(splits.values()):
            return self._deeper(tree, [(name, name, "") for name in names])
        if others := [name for name, split in splits.items() if not split]:
            raise DataError(
                f"data.root: {self.root} holds split folders "
                f"({', '.join(name for name in names if splits[name])}) and others "
                f"({', '.join(others[:5])}). Move the others away, or make them split folders: "
                f"{', '.join(SPLIT_FOLDERS)}."
            )
        folders = []
        for top, split in splits.items():
            classes, files = tree.list_folder(top)
            tree.pass_over([f"{top}/{file}" for file in files], OUTSIDE)
            folders += [(f"{top}/{name}", name, split) for name in classes]
        return self._deeper(tree, folders)

    def _deeper(
        self, tree: FileTree, folders: list[tuple[str, str, str]]
    ) -> list[tuple[str, str, str]]:
        """The class folders below those of the first level."""
        for _ in range((self.class_depth or 1) - 1):
            inner = []
            for folder, _, split in folders:
                names, files = tree.list_folder(folder)
                tree.pass_over([f"{folder}/{file}" for file in files], OUTSIDE)
                inner += [(f"{folder}/{name}", name, split) for name in names]
            folders = inner
        return folders

    def class_folder(self, path: str) -> str:
        """The class folder of an image that `scan` listed."""
        parts = path.split("/")
        depth = self.class_depth or 1
        return "/".join(parts[: depth + (parts[0].lower() in SPLIT_FOLDERS)])


def _compiled(pattern: str | None) -> re.Pattern[str]:
    try:
        compiled = re.compile(str(pattern))
    except re.error as error:
        raise ConfigError(
            f"data.patient_pattern={pattern}: it is no regular expression ({error})."
        ) from error
    if "patient" not in compiled.groupindex:
        raise ConfigError(
            f"data.patient_pattern={pattern}: it has no group (?P<patient>...); give one, or "
            f"'{PARENT}' for the folder that holds the image, or '{DICOM}' for DICOM's PatientID."
        )
    return compiled
