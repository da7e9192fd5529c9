"""Figures saved in a run's folders, with alternative texts and captions."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from idc.reports.blocks import Block, Fold, Text
from idc.reports.picture import Picture

log = logging.getLogger(__name__)
LOSSY_FROM = 150_000  # bytes of a lossless figure; those with photographs are larger
REST_LIMIT = 1_500_000  # total bytes of the figures outside the sections


@dataclass(frozen=True)
class FigureText:
    """The texts of a figure.

    Attributes:
        alt: What the figure shows.
        caption: How to read it.
    """

    alt: str
    caption: str


class FigureGallery:
    """The PNG files in a run's or a sweep's folders.

    Args:
        root: The parent of the folders.
        folders: Their names; "" for the root itself.
        texts: Path below the root, without ``.png``, to texts.
    """

    def __init__(
        self, root: Path, folders: tuple[str, ...], texts: Mapping[str, FigureText]
    ) -> None:
        self._paths = {
            f"{folder}/{path.stem}".lstrip("/"): path
            for folder in folders
            for path in sorted((root / folder).glob("*.png"))
        }
        self._texts = texts

    def take(self, *names: str) -> list[Picture]:
        """Take the existing figures among these names; each figure can be taken once."""
        pictures = [self._picture(name, self._texts.get(name)) for name in names]
        return [picture for picture in pictures if picture is not None]

    def names(self, start: str) -> list[str]:
        """The names of the figures not yet taken that begin with a prefix."""
        return [name for name in self._paths if name.startswith(start)]

    def rest(self) -> list[Block]:
        """The figures not taken, in a fold, up to a total size."""
        blocks: list[Block] = []
        left_out: list[str] = []
        room = REST_LIMIT
        for name in list(self._paths):
            picture = self._picture(name, self._texts.get(name))
            if picture is None:
                continue
            if len(picture.data) > room:
                left_out.append(name)
                continue
            room -= len(picture.data)
            blocks.append(picture)
        if left_out:
            names = ", ".join(f"{name}.png" for name in left_out)
            blocks.append(Text(f"Too large for this page, but saved next to it: {names}."))
        return [Fold("More figures", blocks)] if blocks else []

    def _picture(self, name: str, text: FigureText | None) -> Picture | None:
        path = self._paths.pop(name, None)
        if path is None:
            return None
        words = name.rpartition("/")[2].replace("_", " ")
        text = text or FigureText(words, words)
        try:
            return Picture.from_file(path, text.alt, text.caption, LOSSY_FROM)
        except (ValueError, OSError) as error:
            log.warning("report: %s is left out (%s)", path.name, error)
            return None
