"""The gallery: photos of a catalogue by id, with pictures made anew. No path from a client is opened."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

import rgnet
from rgnet import page
from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.models import resolve_model
from rgnet.catalogue.paging import Listing, count_photos, find_page
from rgnet.catalogue.queries import find_entry, find_photo, list_folders
from rgnet.catalogue.records import PhotoRow
from rgnet.errors import CatalogueError
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob
from rgnet.imaging.preprocess import Preprocess
from rgnet.imaging.workers import DecodePool
from rgnet.results import Record, ScoreFailure
from rgnet.scorer import vote_weights
from rgnet.service.inference import Inference
from rgnet.service.limits import Capacity, RequestRefused
from rgnet.service.schemas import GalleryPhoto, PhotoMap, PhotoPage
from rgnet.service.settings import Settings
from rgnet.weights.card import ModelCard

PictureKind = Literal["thumbnail", "picture"]
_LONG_SIDE: dict[PictureKind, int] = {"thumbnail": 512, "picture": 1600}

_CACHE_BYTES = 64 * 2**20
_MAX_DECODING, _MAX_QUERIES, _MAX_CACHED_TOTALS = 256, 256, 256

_Returned = TypeVar("_Returned")


class Gallery:
    """Belongs to one event loop; open it with `running`."""

    def __init__(self, inference: Inference, file: Path, settings: Settings) -> None:
        self.inference = inference
        self.card = inference.scorer.card
        self.title = file.stem
        self.catalogue = _GalleryCatalogue(file, self.card.short_hash)
        # Apart from the processes of scoring, so that a page full of pictures holds up no score
        self.pool = DecodePool(
            inference.scorer.threads, seconds=settings.decode_s, memory=settings.decode_memory
        )
        self.cache = _ByteCache(_CACHE_BYTES)
        self.capacity = Capacity(max_photos=_MAX_DECODING, max_bytes=0)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.catalogue.running():
            with self.pool:
                yield

    async def photos(self, listing: Listing, offset: int, limit: int) -> PhotoPage:
        rows, total, failed = await self.catalogue.page(listing, offset, limit)
        about = await self._about()
        photos = [gallery_photo(row) for row in rows]
        return PhotoPage.model_validate({"photos": photos, "total": total, "failed": failed, "about": about})

    async def _about(self) -> dict[str, Any]:
        return page.describe_page(
            self.card.scale,
            title=self.title,
            model=self.card.name,
            model_hash=self.card.short_hash,
            rgnet=rgnet.__version__,
            folders=await self.catalogue.folders(),
        )

    async def row(self, id: str) -> PhotoRow[Record]:
        """Raises RequestRefused (404)."""
        row = await self.catalogue.row(id)
        if row is None:
            raise RequestRefused(404, f"there is no photo {id}: see /v1/photos for those there are")
        return row

    async def picture(self, row: PhotoRow[Record], kind: PictureKind) -> bytes:
        """A JPEG of the photo. Raises RequestRefused (404) where there can be none."""
        if isinstance(row.record, ScoreFailure):
            raise RequestRefused(404, f"{row.record.path} has no picture: {row.record.error}")
        return await self.cache.get((row.sha256, kind), lambda: self._make_picture(row, _LONG_SIDE[kind]))

    async def _make_picture(self, row: PhotoRow[Record], long_side: int) -> bytes:
        (picture,) = (await self._decode(row, pictures=(long_side,))).pictures
        return picture

    async def photo_map(self, row: PhotoRow[Record]) -> PhotoMap | None:
        """What the photo's own page shows beyond its row; None where it has no score."""
        if isinstance(row.record, ScoreFailure):
            return None
        try:
            data = await self.cache.get((row.sha256, "map"), lambda: self._explain(row))
        except RequestRefused:
            return await self._scanned_map(row)
        return PhotoMap.model_validate_json(data)

    async def _explain(self, row: PhotoRow[Record]) -> bytes:
        """With the graph of the photo's regions, which is computed anew. Raises RequestRefused (404)."""
        photo = await self._decode(row, preprocess=self.card.preprocess)
        found = await self.inference.explain_decoded(row.record.path, photo.prepared_or_error)
        if isinstance(found, ScoreFailure):
            raise RequestRefused(404, found.error)
        values = page.describe_explanation(found, self.card.scale, picture=f"v1/photos/{row.id}/picture")
        return PhotoMap.model_validate(values).model_dump_json().encode()

    async def _scanned_map(self, row: PhotoRow[Record]) -> PhotoMap | None:
        """As the scan stored it, where the photo's file is gone or has changed."""
        votes_HW = await self.catalogue.votes(row.record.path)
        if votes_HW is None:
            return None
        weights_HW = _region_weights(votes_HW, self.card)
        values = page.describe_regions(votes_HW, self.card.scale, weights_HW=weights_HW)
        return PhotoMap.model_validate(values)

    async def _decode(
        self, row: PhotoRow[Record], *, preprocess: Preprocess | None = None, pictures: tuple[int, ...] = ()
    ) -> DecodedPhoto:
        """Only if the file's content is still what was scanned. Raises RequestRefused (404)."""
        job = DecodeJob(
            source=row.record.path,
            expected_sha256=bytes.fromhex(row.sha256) if row.sha256 else None,
            preprocess=preprocess,
            pictures=pictures,
            picture_format="JPEG",
        )
        with self.capacity.reserve() as reservation:
            reservation.add_photo()
            photo = await asyncio.wrap_future(self.pool.submit(job))
        if photo.error is not None:
            raise RequestRefused(404, str(photo.error))
        return photo


def gallery_photo(row: PhotoRow[Record]) -> GalleryPhoto:
    thumbnail = f"v1/photos/{row.id}/thumbnail" if row.record.ok else None
    values = page.describe_photo(row.id, row.record, taken=row.taken, camera=row.camera, thumbnail=thumbnail)
    return GalleryPhoto.model_validate(values)


def _region_weights(votes_HW: np.ndarray, card: ModelCard) -> np.ndarray:
    """Weights of equation 4 from votes on the human scale."""
    unit_HW = (votes_HW - card.scale.low) / (card.scale.high - card.scale.low)
    return vote_weights(unit_HW, card.architecture.r)


class _GalleryCatalogue:
    """A catalogue read in one thread, which owns it; totals are cached until another program changes it.

    Belongs to one event loop; open it with `running`. Questions raise CatalogueError or OutputError where the
    catalogue cannot be read, and RequestRefused (429).
    """

    def __init__(self, file: Path, model_hash: str) -> None:
        self._file, self._model_hash = file, model_hash
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rgnet-catalogue")
        self._capacity = Capacity(max_photos=_MAX_QUERIES, max_bytes=0)
        self._version = -1
        self._totals: dict[Hashable, Any] = {}

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

    async def folders(self) -> list[str] | None:
        """None where they are too many to choose from."""
        return await self._in_thread(self._cached, "folders", lambda: list_folders(self._opened))

    async def row(self, id: str) -> PhotoRow[Record] | None:
        return await self._in_thread(lambda: find_photo(self._opened, self._model_hash, id))

    async def votes(self, path: str) -> np.ndarray | None:
        """(H, W) region votes on the human scale as the scan stored them; None where it stored none."""
        return await self._in_thread(lambda: find_entry(self._opened, path, self._model_hash).votes_HW)

    def _cached(self, key: Hashable, count: Callable[[], _Returned]) -> _Returned:
        version = self._opened.count("PRAGMA data_version")
        if version != self._version or len(self._totals) > _MAX_CACHED_TOTALS:
            self._version, self._totals = version, {}
        if key not in self._totals:
            self._totals[key] = count()
        return self._totals[key]


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


class _ByteCache:
    """Responses that are costly to make, up to a total size; the least recently used goes first.

    Belongs to one event loop.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._values: OrderedDict[Hashable, bytes] = OrderedDict()
        self._pending: dict[Hashable, asyncio.Future[bytes]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """The value of a key, made once however many ask for it at the same time. Raises what `make` raises."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        future = self._pending.get(key)
        if future is None:
            future = self._pending[key] = asyncio.ensure_future(make())
            future.add_done_callback(lambda done: self._store(key, done))
        return await asyncio.shield(future)

    def _store(self, key: Hashable, future: asyncio.Future[bytes]) -> None:
        del self._pending[key]
        if future.cancelled() or future.exception() is not None:
            return
        value = self._values[key] = future.result()
        self.bytes += len(value)
        while self.bytes > self.max_bytes:
            _, oldest = self._values.popitem(last=False)
            self.bytes -= len(oldest)
