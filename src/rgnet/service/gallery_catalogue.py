"""A catalogue read and marked by the gallery: listings and marks in one thread, photos by id in another."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rgnet.catalogue.content_check import ContentCheck
from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.marks import Mark, MarkChange, change_marks, undo_marks
from rgnet.catalogue.models import resolve_model
from rgnet.catalogue.outline import Outline, find_page, make_outline
from rgnet.catalogue.paging import Listing, find_first_page
from rgnet.catalogue.preferences import choose_pair, count_preferences, put_preference
from rgnet.catalogue.queries import find_entry, find_photo, list_folders
from rgnet.catalogue.records import PhotoRow
from rgnet.culling.membership import Membership, put_memberships
from rgnet.errors import CatalogueError, PhotoError, SettingError
from rgnet.results import Record
from rgnet.service.gallery_groups import GalleryGroups
from rgnet.service.limits import Capacity, RequestRefused

_MAX_QUERIES, _MAX_CACHED = 256, 16
_CHUNK = 1000

_Returned = TypeVar("_Returned")


class GalleryCatalogue:
    """A catalogue with outlines of what was listed last, until it is changed.

    A pass over a large catalogue takes a second: what the pictures of a page are looked up by does not wait for it.

    Belongs to one event loop; open it with `running`. Questions raise CatalogueError or OutputError where the
    catalogue cannot be read, and RequestRefused (429).
    """

    def __init__(self, file: Path, model_hash: str) -> None:
        self._file, self._model_hash = file, model_hash
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rgnet-catalogue")
        self._row_thread = ThreadPoolExecutor(1, thread_name_prefix="rgnet-photos")
        self._capacity = Capacity(max_photos=_MAX_QUERIES, max_bytes=0)
        self._version = -1
        self._cache: dict[Hashable, Any] = {}
        self.groups = GalleryGroups(file, model_hash)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._opened = await self._in_thread(self._open)
        self._rows_opened = await self._in_row_thread(self._open)
        try:
            yield
        finally:
            await self._in_row_thread(self._rows_opened.close)
            await self._in_thread(self._opened.close)
            self._row_thread.shutdown()
            self._thread.shutdown()

    async def _in_thread(self, call: Callable[..., _Returned], *arguments: object) -> _Returned:
        return await self._run(self._thread, call, *arguments)

    async def _in_row_thread(self, call: Callable[..., _Returned], *arguments: object) -> _Returned:
        return await self._run(self._row_thread, call, *arguments)

    async def _run(
        self, thread: ThreadPoolExecutor, call: Callable[..., _Returned], *arguments: object
    ) -> _Returned:
        with self._capacity.reserve() as reservation:
            reservation.add_photo()
            return await asyncio.get_running_loop().run_in_executor(thread, call, *arguments)

    def _open(self) -> Catalogue:
        return Catalogue.open(self._file)

    async def page(
        self, listing: Listing, offset: int, limit: int, *, counted: bool = True
    ) -> tuple[list[PhotoRow[Record]], Outline | None]:
        """(rows, outline of all pages). Not `counted`: the outline may be missing, where the rows do not need it."""
        return await self._in_thread(self._page, listing, offset, limit, counted)

    def _page(
        self, listing: Listing, offset: int, limit: int, counted: bool
    ) -> tuple[list[PhotoRow[Record]], Outline | None]:
        if counted or offset or not listing.begins_quickly or self._is_cached(listing):
            outline = self._outline(listing)
            return find_page(self._opened, listing, outline, offset=offset, limit=limit), outline
        return find_first_page(self._opened, listing, limit), None

    async def outline(self, listing: Listing) -> Outline:
        return await self._in_thread(self._outline, listing)

    def _outline(self, listing: Listing) -> Outline:
        return self._cached(listing, lambda: make_outline(self._opened, listing))

    async def find_groups(self) -> dict[str, Membership]:
        """By photo; also for listings of distinct photos, which ask for them first."""
        version = await self._in_thread(self._opened.count, "PRAGMA data_version")
        if await self.groups.refresh(version):
            await self._in_thread(self._put_groups)
        return self.groups.memberships

    def _put_groups(self) -> None:
        put_memberships(self._opened, self.groups.memberships)
        self._forget(lambda listing: listing.wanted.distinct)

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
        return await self._in_row_thread(lambda: find_photo(self._rows_opened, self._model_hash, id))

    async def votes(self, path: str) -> np.ndarray | None:
        """(H, W) region votes on the human scale as the scan stored them; None where it stored none."""
        return await self._in_row_thread(
            lambda: find_entry(self._rows_opened, path, self._model_hash).votes_HW
        )

    async def every_photo(self, listing: Listing, most: int) -> list[PhotoRow[Record]]:
        """The photos of all pages, up to a number."""
        rows: list[PhotoRow[Record]] = []
        while len(rows) < most:  # piece by piece, so that other questions come between
            size = min(_CHUNK, most - len(rows))
            found, _ = await self.page(listing, len(rows), size)
            rows += found
            if len(found) < size:
                break
        return rows

    # A person's answers to which of two photos is better

    async def pair(self) -> tuple[list[PhotoRow[Record]], int]:
        """(two photos to compare, how many pairs were answered). Raises RequestRefused (404) where there are none."""
        return await self._in_thread(self._pair)

    def _pair(self) -> tuple[list[PhotoRow[Record]], int]:
        try:
            photos = choose_pair(self._opened, self._model_hash)
        except CatalogueError as problem:
            raise RequestRefused(404, str(problem)) from None
        return self._rows_of([str(photo) for photo in photos]), count_preferences(self._opened)

    async def prefer(self, better: int, other: int, *, equal: bool) -> tuple[list[PhotoRow[Record]], int]:
        """Keep an answer; as `pair`, or no photos where none are left.

        Raises RequestRefused (404) where there are no such photos, (422) for the same one twice.
        """
        return await self._in_thread(self._prefer, better, other, equal)

    def _prefer(self, better: int, other: int, equal: bool) -> tuple[list[PhotoRow[Record]], int]:
        try:
            put_preference(self._opened, better, other, equal=equal)
        except CatalogueError as problem:
            raise RequestRefused(404, str(problem)) from None
        except SettingError as problem:
            raise RequestRefused(422, str(problem)) from None
        try:
            return self._pair()
        except RequestRefused:
            return [], count_preferences(self._opened)

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
            self._forget(lambda listing: listing.wanted.marks is not None)

    def _forget(self, is_outdated: Callable[[Listing], bool]) -> None:
        """Outlines of listings."""
        kept = {
            key: value
            for key, value in self._cache.items()
            if not (isinstance(key, Listing) and is_outdated(key))
        }
        self._cache = kept

    async def rows_to_write(self, photos: Sequence[int]) -> list[tuple[PhotoRow[Record], str | None]]:
        """The photos by their ids, each with the reason why nothing may be written next to it, if there is one."""
        return await self._in_thread(self._rows_to_write, photos)

    def _rows_to_write(self, photos: Sequence[int]) -> list[tuple[PhotoRow[Record], str | None]]:
        contents = ContentCheck(self._opened)
        return [(row, _find_problem(contents, row)) for row in self._rows_of(list(map(str, photos)))]

    def _is_cached(self, key: Hashable) -> bool:
        """Forgets everything where another program has changed the catalogue."""
        version = self._opened.count("PRAGMA data_version")
        if version != self._version or len(self._cache) > _MAX_CACHED:
            self._version, self._cache = version, {}
        return key in self._cache

    def _cached(self, key: Hashable, make: Callable[[], _Returned]) -> _Returned:
        if not self._is_cached(key):
            self._cache[key] = make()
        return self._cache[key]


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
