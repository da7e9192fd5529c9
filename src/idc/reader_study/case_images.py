"""The images of cases, created outside the server's event loop and cached."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from idc.reader_study.case import Case, CaseBook, Frame
from idc.reader_study.pictures import MapPicture, Percent, data_uri, frame_percent, map_picture

_log = logging.getLogger(__name__)
KEPT = 32  # cases; a crop of a slide is about 300 kB


@dataclass(frozen=True)
class Surroundings:
    """The slide around a patch.

    Attributes:
        source: The crop of the slide, as a data URI.
        aspect: Its width divided by its height.
        frame: The patch's position in it.
    """

    source: str
    aspect: float
    frame: Percent


@dataclass(frozen=True)
class CaseViews:
    """The images of a case that a reader sees before answering.

    Attributes:
        patch: The patch, as a data URI.
        side: Its width in pixels.
        around: Its surroundings; None if there are none, or they could not be read.
    """

    patch: str
    side: int
    around: Surroundings | None


class CaseImages:
    """Cached images of a book's cases, read by a single thread."""

    def __init__(self, book: CaseBook) -> None:
        self._book = book
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self._views = lru_cache(KEPT)(self._load_views)
        self._map = lru_cache(2 * KEPT)(self._load_map)

    async def views(self, case: Case) -> CaseViews:
        """The patch and its surroundings; raises what the book raises for the patch."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._views, case)

    async def map(self, case: Case, method: str) -> MapPicture:
        """The method's map of the patch; raises what the book raises."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._map, case, method)

    def prepare(self, case: Case) -> None:
        """Load the case's views in the background; an error is raised when they are used."""
        self._thread.submit(self._views, case)

    def _load_views(self, case: Case) -> CaseViews:
        patch = self._book.patch(case)
        try:
            crop = self._book.surroundings(case)
        except Exception:  # whatever a book raises: the patch can be reviewed without
            _log.exception("review: no surroundings of %s", case.path)
            around = None
        else:
            around = None if crop is None else _surroundings(*crop)
        return CaseViews(data_uri(patch), patch.shape[1], around)

    def _load_map(self, case: Case, method: str) -> MapPicture:
        return map_picture(self._book.attribution(case, method))


def _surroundings(image: NDArray[np.uint8], frame: Frame) -> Surroundings:
    height, width = image.shape[:2]
    return Surroundings(data_uri(image), width / height, frame_percent(frame, image.shape))
