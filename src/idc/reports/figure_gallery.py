"""Figures that were saved in a folder: those that are known get words, the others are kept."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from idc.reports.blocks import Block, Fold, Text
from idc.reports.picture import Picture

log = logging.getLogger(__name__)
LOSSY_FROM = 150_000  # bytes of a figure without loss; those of photographs are larger
REST_LIMIT = 1_500_000  # bytes of the figures that nobody asked for


@dataclass(frozen=True)
class Known:
    """The words of a figure.

    Attributes:
        alt: What it shows.
        caption: How to read it.
    """

    alt: str
    caption: str


class Gallery:
    """The PNG files of a run's or a sweep's folders.

    Args:
        root: Where the folders lie.
        folders: Their names; "" for the root itself.
        known: Path below the root, without ``.png``, to words.
    """

    def __init__(self, root: Path, folders: tuple[str, ...], known: Mapping[str, Known]) -> None:
        self._paths = {
            f"{folder}/{path.stem}".lstrip("/"): path
            for folder in folders
            for path in sorted((root / folder).glob("*.png"))
        }
        self._known = known

    def take(self, *names: str) -> list[Picture]:
        """The figures of these names that are there; each is given once."""
        found = [self._picture(name, self._known.get(name)) for name in names]
        return [picture for picture in found if picture is not None]

    def names(self, start: str) -> list[str]:
        """The names of the figures not yet taken that begin like this."""
        return [name for name in self._paths if name.startswith(start)]

    def rest(self) -> list[Block]:
        """The figures that were not taken, in a fold; as many as a page can bear."""
        blocks: list[Block] = []
        left_out: list[str] = []
        room = REST_LIMIT
        for name in list(self._paths):
            picture = self._picture(name, self._known.get(name))
            if picture is None:
                continue
            if len(picture.data) > room:
                left_out.append(name)
                continue
            room -= len(picture.data)
            blocks.append(picture)
        if left_out:
            names = ", ".join(f"{name}.png" for name in left_out)
            blocks.append(Text(f"Too large for this page, but beside it: {names}."))
        return [Fold("More figures", blocks)] if blocks else []

    def _picture(self, name: str, known: Known | None) -> Picture | None:
        path = self._paths.pop(name, None)
        if path is None:
            return None
        words = name.rpartition("/")[2].replace("_", " ")
        known = known or Known(words, words)
        try:
            return Picture.from_file(path, known.alt, known.caption, LOSSY_FROM)
        except (ValueError, OSError) as error:
            log.warning("report: %s is left out (%s)", path.name, error)
            return None
