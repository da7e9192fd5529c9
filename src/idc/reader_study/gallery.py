"""The pictures of cases, made off the server's loop and kept for a while."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

from idc.reader_study.case import Case, CaseBook
from idc.reader_study.pictures import MapPicture, Percent, data_uri, frame_percent, map_picture

_log = logging.getLogger(__name__)
KEPT = 32  # cases; a slide's crop is some 300 kB


@dataclass(frozen=True)
class Around:
    """The slide round a patch.

    Attributes:
        source: The crop of the slide, as a data URI.
        aspect: Its width by its height.
        frame: Where the patch lies in it.
    """

    source: str
    aspect: float
    frame: Percent


@dataclass(frozen=True)
class Views:
    """What a reader sees of a case before any answer.

    Attributes:
        patch: The patch, as a data URI.
        side: Its width in pixels.
        around: Its surroundings; None if the book failed to give them.
    """

    patch: str
    side: int
    around: Around | None


class Gallery:
    """Pictures of a book's cases; the book is asked by one thread, one thing at a time."""

    def __init__(self, book: CaseBook) -> None:
        self._book = book
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self._views = lru_cache(KEPT)(self._load_views)
        self._map = lru_cache(2 * KEPT)(self._load_map)

    async def views(self, case: Case) -> Views:
        """The patch and its surroundings. What the book raises of the patch is raised."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._views, case)

    async def map(self, case: Case, method: str) -> MapPicture:
        """The method's map of the patch. Whatever the book raises is raised."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._map, case, method)

    def prepare(self, case: Case) -> None:
        """Have the case's views ready when they are asked for; an error is raised then, not now."""
        self._thread.submit(self._views, case)

    def _load_views(self, case: Case) -> Views:
        patch = self._book.patch(case)
        try:
            image, frame = self._book.surroundings(case)
        except Exception:  # whatever a book raises: a patch can be judged without
            _log.exception("review: no surroundings of %s", case.path)
            around = None
        else:
            height, width = image.shape[:2]
            around = Around(data_uri(image), width / height, frame_percent(frame, image.shape))
        return Views(data_uri(patch), patch.shape[1], around)

    def _load_map(self, case: Case, method: str) -> MapPicture:
        return map_picture(self._book.attribution(case, method))
