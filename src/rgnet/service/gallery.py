"""The gallery: photos of a catalogue by id, with pictures made anew. No path from a client is opened."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

import rgnet
from rgnet import page
from rgnet.catalogue.content_check import expected_sha256, looks_unchanged, scanned_job
from rgnet.catalogue.outline import Outline
from rgnet.catalogue.paging import Listing
from rgnet.catalogue.records import PhotoRow
from rgnet.culling.crops import crop_job
from rgnet.culling.membership import Membership
from rgnet.errors import PhotoError
from rgnet.imaging.crop import DecodedCrops
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob
from rgnet.imaging.preprocess import Preprocess
from rgnet.imaging.workers import DecodePool
from rgnet.previews import PREVIEW, open_previews
from rgnet.results import Record, ScoreFailure
from rgnet.scorer import weights_of_ratings
from rgnet.service.access import Allowed
from rgnet.service.gallery_catalogue import GalleryCatalogue
from rgnet.service.inference import Inference
from rgnet.service.limits import Capacity, RequestRefused
from rgnet.service.schemas import (
    CellEffects,
    GalleryPhoto,
    ListingOutline,
    PhotoCrop,
    PhotoDetail,
    PhotoMap,
    PhotoPage,
)
from rgnet.service.settings import Settings
from rgnet.weights.explanations import judge_explanations, usual_map
from rgnet.what_if import CELLS

PictureKind = Literal["thumbnail", "picture", "full"]
_LONG_SIDE: dict[PictureKind, int] = {"thumbnail": PREVIEW, "picture": 1600, "full": 8192}

_CACHE_BYTES = 64 * 2**20
_MAX_DECODING = 256
# One is computed while the next one is decoded
_MAX_WHAT_IFS = 2


class Gallery:
    """Belongs to one event loop; open it with `running`."""

    def __init__(self, inference: Inference, file: Path, settings: Settings) -> None:
        self.inference = inference
        self.card = inference.scorer.card
        self.worth = judge_explanations(self.card)
        self.title = file.stem
        self.catalogue = GalleryCatalogue(file, self.card.short_hash)
        # Apart from the processes of scoring, so that a page full of pictures holds up no score
        self.pool = DecodePool(
            inference.scorer.threads, seconds=settings.decode_s, memory=settings.decode_memory
        )
        self.cache = _ByteCache(_CACHE_BYTES)
        self.previews = open_previews()
        self.capacity = Capacity(max_photos=_MAX_DECODING, max_bytes=0)
        self.what_if_capacity = Capacity(max_photos=_MAX_WHAT_IFS, max_bytes=0)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.catalogue.running():
            with self.pool, contextlib.closing(self.previews):
                yield

    async def photos(
        self, listing: Listing, offset: int, limit: int, allowed: Allowed, *, counted: bool
    ) -> PhotoPage:
        groups = await self.catalogue.find_groups() if listing.wanted.distinct else {}
        rows, outline = await self.catalogue.page(listing, offset, limit, counted=counted)
        uncounted = dict.fromkeys(("total", "failed", "matching"))
        counts = await self._counts(listing, outline) if outline else uncounted
        about = await self._about() | {"may_mark": allowed.mark, "may_open": allowed.open}
        photos = [gallery_photo(row, groups.get(row.id)) for row in rows]
        return PhotoPage.model_validate({"photos": photos, **counts, "about": about})

    async def outline(self, listing: Listing) -> ListingOutline:
        if listing.wanted.distinct:
            await self.catalogue.find_groups()
        outline = await self.catalogue.outline(listing)
        return ListingOutline.of(outline, matching=(await self._counts(listing, outline))["matching"])

    async def _counts(self, listing: Listing, outline: Outline) -> dict[str, int]:
        every = replace(listing, wanted=replace(listing.wanted, distinct=False))
        matching = outline if every == listing else await self.catalogue.outline(every)
        return {"total": outline.total, "failed": outline.failed, "matching": matching.total}

    async def photo(self, row: PhotoRow[Record]) -> PhotoDetail:
        """With its group where groups have been asked for before."""
        photo = gallery_photo(row, self.catalogue.groups.memberships.get(row.id))
        return PhotoDetail(photo=photo, detail=await self.photo_map(row))

    async def group(self, row: PhotoRow[Record]) -> list[GalleryPhoto]:
        """The look-alikes of a photo in their order, itself among them."""
        groups = await self.catalogue.find_groups()
        ids = groups[row.id].photos if row.id in groups else (row.id,)
        return [gallery_photo(one, groups.get(one.id)) for one in await self.catalogue.rows_of(ids)]

    async def _about(self) -> dict[str, Any]:
        return page.describe_page(
            self.card.scale,
            title=self.title,
            model=self.card.name,
            model_hash=self.card.short_hash,
            rgnet=rgnet.__version__,
            graph=self.worth.no_graph or self.worth.no_maps,
            maps=self.worth.no_maps,
            caution=self.worth.caution,
            usual_HW=usual_map(self.card),
            folders=await self.catalogue.folders(),
            uncompared=self.catalogue.groups.unmeasured,
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
        return await self.cache.get((row.sha256, kind), lambda: self._make_picture(row, kind))

    async def _make_picture(self, row: PhotoRow[Record], kind: PictureKind) -> bytes:
        sha256 = row.sha256 if kind == "thumbnail" else None
        if looks_unchanged(row) and (kept := self.previews.picture(sha256, row.frame)):
            return kept
        (picture,) = (await self._decode(row, pictures=(_LONG_SIDE[kind],))).pictures
        self.previews.put_picture(sha256, picture, row.frame)
        return picture

    async def photo_map(self, row: PhotoRow[Record]) -> PhotoMap | None:
        """What the photo's own page shows beyond its row; None where it has no score."""
        if isinstance(row.record, ScoreFailure):
            return None
        if self.worth.no_graph or self.worth.no_maps:
            # All that is drawn was stored by the scan
            return await self._scanned_map(row)
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

    async def crop(self, row: PhotoRow[Record], ratio: float) -> PhotoCrop:
        """The best crop to a ratio. Raises RequestRefused (404) where there can be none."""
        if isinstance(row.record, ScoreFailure):
            raise RequestRefused(404, f"{row.record.path} has no crop: {row.record.error}")
        data = await self.cache.get((row.sha256, "crop", ratio), lambda: self._find_crop(row, ratio))
        return PhotoCrop.model_validate_json(data)

    async def _find_crop(self, row: PhotoRow[Record], ratio: float) -> bytes:
        job = crop_job(row.record.path, self.inference.scorer, ratio, size=1.0)
        frame_s = row.frame and row.frame.time_s
        photo = await self._run(replace(job, expected_sha256=expected_sha256(row), frame_s=frame_s))
        assert isinstance(photo, DecodedCrops)
        try:
            found = await self.inference.crop_decoded(row.record.path, photo)
        except PhotoError as problem:
            raise RequestRefused(404, str(problem)) from None
        return PhotoCrop.of(found).model_dump_json().encode()

    async def _scanned_map(self, row: PhotoRow[Record]) -> PhotoMap | None:
        """As the scan stored it, where the photo's file is gone or has changed."""
        votes_HW = await self.catalogue.votes(row.record.path)
        if votes_HW is None:
            return None
        weights_HW = weights_of_ratings(votes_HW, self.card)
        picture = f"v1/photos/{row.id}/picture" if looks_unchanged(row) else None
        values = page.describe_regions(votes_HW, self.card.scale, weights_HW=weights_HW, picture=picture)
        return PhotoMap.model_validate(values)

    async def what_if(self, row: PhotoRow[Record]) -> CellEffects:
        """What each part of the photo is worth to its score. Raises RequestRefused (404, 429)."""
        if isinstance(row.record, ScoreFailure):
            raise RequestRefused(404, f"{row.record.path} has no score: {row.record.error}")
        if self.worth.no_maps:
            raise RequestRefused(404, self.worth.no_maps)
        kind = f"what-if-{CELLS}-{self.card.short_hash}-{self.inference.scorer.engine_name}"
        kind += f"-{row.frame.time_s:.3f}" if row.frame else ""
        data = await self.cache.get((row.sha256, kind), lambda: self._find_what_if(row, kind))
        return CellEffects.model_validate_json(data)

    async def _find_what_if(self, row: PhotoRow[Record], kind: str) -> bytes:
        """As it was kept, else by fifty passes of the network."""
        if looks_unchanged(row) and (kept := self.previews.get(row.sha256, kind)):
            return kept
        with self.what_if_capacity.reserve() as reservation:
            reservation.add_photo()
            photo = await self._decode(row, preprocess=self.card.preprocess)
            assert photo.prepared is not None
            found = await self.inference.what_if(photo.prepared)
        if not np.isfinite(found.effect_RC).all():
            raise RequestRefused(404, f"{row.record.path} has no score with parts of it covered")
        data = CellEffects.model_validate(found.to_dict()).model_dump_json().encode()
        self.previews.put(row.sha256, kind, data)
        return data

    async def _decode(
        self, row: PhotoRow[Record], *, preprocess: Preprocess | None = None, pictures: tuple[int, ...] = ()
    ) -> DecodedPhoto:
        """Only if the file's content is still what was scanned. Raises RequestRefused (404)."""
        job = scanned_job(row)
        return await self._run(replace(job, preprocess=preprocess, pictures=pictures, picture_format="JPEG"))

    async def _run(self, job: DecodeJob) -> DecodedPhoto:
        with self.capacity.reserve() as reservation:
            reservation.add_photo()
            photo = await asyncio.wrap_future(self.pool.submit(job))
        if photo.error is not None:
            raise RequestRefused(404, str(photo.error))
        return photo


def gallery_photo(row: PhotoRow[Record], membership: Membership | None = None) -> GalleryPhoto:
    thumbnail = f"v1/photos/{row.id}/thumbnail" if row.record.ok else None
    values = page.describe_photo(
        row.id, row, group=None if membership is None else membership.to_dict(), thumbnail=thumbnail
    )
    return GalleryPhoto.model_validate(values)


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
