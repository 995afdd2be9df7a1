"""A catalogue read and marked by the gallery, in one thread."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rgnet.catalogue.content_check import ContentCheck
from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.marks import Mark, MarkChange, change_marks, undo_marks
from rgnet.catalogue.models import resolve_model
from rgnet.catalogue.paging import Listing, count_photos, find_page
from rgnet.catalogue.queries import find_entry, find_photo, list_folders
from rgnet.catalogue.records import PhotoRow
from rgnet.culling.membership import Membership, put_memberships
from rgnet.errors import CatalogueError, PhotoError
from rgnet.results import Record
from rgnet.service.gallery_groups import GalleryGroups
from rgnet.service.limits import Capacity, RequestRefused

_MAX_QUERIES, _MAX_CACHED_TOTALS = 256, 256
_CHUNK = 1000

_Returned = TypeVar("_Returned")


class GalleryCatalogue:
    """A catalogue in one thread, which owns it; totals are cached until it is changed.

    Belongs to one event loop; open it with `running`. Questions raise CatalogueError or OutputError where the
    catalogue cannot be read, and RequestRefused (429).
    """

    def __init__(self, file: Path, model_hash: str) -> None:
        self._file, self._model_hash = file, model_hash
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rgnet-catalogue")
        self._capacity = Capacity(max_photos=_MAX_QUERIES, max_bytes=0)
        self._version = -1
        self._totals: dict[Hashable, Any] = {}
        self.groups = GalleryGroups(file, model_hash)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._opened = await self._in_thread(self._open)
        try:
            yield
        finally:
            await self._in_thread(self._opened.close)
            self._thread.shutdown()

    async def _in_thread(self, call: Callable[..., _Returned], *arguments: object) -> _Returned:
        with self._capacity.reserve() as reservation:
            reservation.add_photo()
            return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)

    def _open(self) -> Catalogue:
        return Catalogue.open(self._file)

    async def page(
        self, listing: Listing, offset: int, limit: int
    ) -> tuple[list[PhotoRow[Record]], int, int]:
        """(rows, number of photos on all pages, how many of these have no score)."""
        return await self._in_thread(self._page, listing, offset, limit)

    def _page(self, listing: Listing, offset: int, limit: int) -> tuple[list[PhotoRow[Record]], int, int]:
        scored, failed = self._cached(listing, lambda: count_photos(self._opened, listing))
        rows = find_page(self._opened, listing, offset=offset, limit=limit, scored=scored)
        return rows, scored + failed, failed

    async def count_matching(self, listing: Listing) -> int:
        """How many photos match, also those that a better one stands for."""
        every = replace(listing, wanted=replace(listing.wanted, distinct=False))
        return await self._in_thread(
            self._cached, ("matching", every), lambda: sum(count_photos(self._opened, every))
        )

    async def find_groups(self) -> dict[str, Membership]:
        """By photo; also for listings of distinct photos, which ask for them first."""
        version = await self._in_thread(self._opened.count, "PRAGMA data_version")
        if await self.groups.refresh(version):
            await self._in_thread(
                self._changing, lambda: put_memberships(self._opened, self.groups.memberships)
            )
        return self.groups.memberships

    async def rows_of(self, ids: Sequence[str]) -> list[PhotoRow[Record]]:
        """Those that are still there."""
        return await self._in_thread(self._rows_of, ids)

    def _rows_of(self, ids: Sequence[str]) -> list[PhotoRow[Record]]:
        rows = (find_photo(self._opened, self._model_hash, id) for id in ids)
        return [row for row in rows if row is not None]

    async def folders(self) -> list[str] | None:
        """None where they are too many to choose from."""
        return await self._in_thread(self._cached, "folders", lambda: list_folders(self._opened))

    async def row(self, id: str) -> PhotoRow[Record] | None:
        return await self._in_thread(lambda: find_photo(self._opened, self._model_hash, id))

    async def votes(self, path: str) -> np.ndarray | None:
        """(H, W) region votes on the human scale as the scan stored them; None where it stored none."""
        return await self._in_thread(lambda: find_entry(self._opened, path, self._model_hash).votes_HW)

    async def every_photo(self, listing: Listing, most: int) -> list[PhotoRow[Record]]:
        """The photos of all pages, up to a number."""
        scored = (await self._in_thread(lambda: count_photos(self._opened, listing)))[0]
        rows: list[PhotoRow[Record]] = []
        while len(rows) < most:  # piece by piece, so that other questions come between
            size = min(_CHUNK, most - len(rows))
            found = await self._in_thread(self._find, listing, len(rows), size, scored)
            rows += found
            if len(found) < size:
                break
        return rows

    def _find(self, listing: Listing, offset: int, limit: int, scored: int) -> list[PhotoRow[Record]]:
        return find_page(self._opened, listing, offset=offset, limit=limit, scored=scored)

    # A person's marks

    async def mark(self, photos: Sequence[int], change: MarkChange) -> dict[int, Mark]:
        """Raises RequestRefused (404) where there is no such photo."""
        return await self._in_thread(self._mark, photos, change)

    def _mark(self, photos: Sequence[int], change: MarkChange) -> dict[int, Mark]:
        known = "SELECT count(*) FROM photo WHERE id = ?"
        if unknown := next((id for id in photos if not self._opened.count(known, (id,))), None):
            raise RequestRefused(404, f"there is no photo {unknown}: see /v1/photos for those there are")
        return self._changing(lambda: change_marks(self._opened, photos, change))

    async def undo(self) -> dict[int, Mark]:
        return await self._in_thread(self._changing, lambda: undo_marks(self._opened))

    def _changing(self, change: Callable[[], _Returned]) -> _Returned:
        try:
            return change()
        finally:
            self._totals = {}

    async def rows_to_write(self, photos: Sequence[int]) -> list[tuple[PhotoRow[Record], str | None]]:
        """The photos by their ids, each with the reason why nothing may be written next to it, if there is one."""
        return await self._in_thread(self._rows_to_write, photos)

    def _rows_to_write(self, photos: Sequence[int]) -> list[tuple[PhotoRow[Record], str | None]]:
        contents = ContentCheck(self._opened)
        return [(row, _find_problem(contents, row)) for row in self._rows_of(list(map(str, photos)))]

    def _cached(self, key: Hashable, count: Callable[[], _Returned]) -> _Returned:
        version = self._opened.count("PRAGMA data_version")
        if version != self._version or len(self._totals) > _MAX_CACHED_TOTALS:
            self._version, self._totals = version, {}
        if key not in self._totals:
            self._totals[key] = count()
        return self._totals[key]


def _find_problem(contents: ContentCheck, row: PhotoRow[Record]) -> str | None:
    try:
        contents.check(row)
    except PhotoError as problem:
        return problem.message
    return None


def check_catalogue(file: Path, model_name: str, model_hash: str) -> None:
    """Raises CatalogueError where there is no catalogue, or none with scores of the model that is served."""
    with Catalogue.open(file) as catalogue:
        if resolve_model(catalogue, None) == model_hash:
            return
        known = catalogue.first("SELECT name FROM model WHERE hash = ?", (model_hash,))
    if known is None:
        raise CatalogueError(
            f"{file} holds no scores of {model_name} ({model_hash}), the model to be served: "
            f"scan its folders with  rgnet scan --model {model_name} FOLDER, or serve another --model"
        )
