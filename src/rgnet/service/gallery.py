"""The gallery: a catalogue's photos by id, drawn anew, and the page that shows them. No path of a client is opened."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import numpy as np

import rgnet
from rgnet import page
from rgnet.catalogue.listing import Asked, Row
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob
from rgnet.imaging.workers import DecodePool
from rgnet.results import RegionMap, ScoreFailure
from rgnet.scorer import vote_weights
from rgnet.service.inference import Desk
from rgnet.service.kept import Kept
from rgnet.service.refusals import Refused
from rgnet.service.room import Room
from rgnet.service.settings import Settings
from rgnet.service.shelf import Shelf
from rgnet.weights.card import ModelCard

SIDES = {"thumbnail": 512, "picture": 1600}
KEPT = 64 * 2**20
MOST_AT_ONCE = 256


class Gallery:
    """Belongs to one event loop; open it with `working`."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        self.desk = desk
        self.card = desk.scorer.card
        self.title = settings.catalogue.stem
        self.shelf = Shelf(settings.catalogue, self.card.short_hash)
        self.decoders = DecodePool(
            desk.scorer.threads, seconds=settings.decode_s, memory=settings.decode_memory
        )
        self.kept = Kept(KEPT)
        self.room = Room(photos=MOST_AT_ONCE, size=0)

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Its processes start with the first photo that is looked at."""
        async with self.shelf.working():
            with self.decoders:
                yield

    async def listed(self, asked: Asked, offset: int, limit: int) -> dict[str, Any]:
        """A page of rows as the page's script wants it."""
        rows, total, failed = await self.shelf.ask(self.shelf.page, asked, offset, limit)
        return {
            "photos": [listed(row) for row in rows],
            "total": total,
            "failed": failed,
            "about": await self.about(),
        }

    async def about(self) -> dict[str, Any]:
        folders = await self.shelf.ask(self.shelf.folders)
        more = {"rgnet": rgnet.__version__} | ({} if folders is None else {"folders": folders})
        return page.about(
            self.card.scale, title=self.title, model=self.card.name, model_hash=self.card.short_hash, **more
        )

    async def row(self, id: str) -> Row:
        """Raises Refused (404)."""
        found = await self.shelf.ask(self.shelf.row, id)
        if found is None:
            raise Refused(404, f"there is no photo {id}: look at /v1/photos for those there are")
        return found

    async def image(self, row: Row, what: str) -> bytes:
        """A JPEG of the photo. Raises Refused (404) where it cannot be drawn."""
        if not row.record.ok:
            raise Refused(404, f"{row.record.path} has no picture: {row.record.error}")
        return await self.kept.get((row.sha256, what), lambda: self.drawn(row, SIDES[what]))

    async def detail(self, row: Row) -> bytes:
        """What the photo's own page shows beyond its row, as JSON; null where it has no score."""
        if not row.record.ok:
            return b"null"
        try:
            return await self.kept.get((row.sha256, "detail"), lambda: self.explained(row))
        except Refused:
            return await self.remembered(row)

    async def explained(self, row: Row) -> bytes:
        """With the graph of the photo's regions, which is computed anew. Raises Refused (404)."""
        read = await self.read(self.job(row, preprocess=self.card.preprocess))
        found = await self.desk.explained(row.record.path, read.prepared_or_error)
        if isinstance(found, ScoreFailure):
            raise Refused(404, found.error)
        return compact(page.detail(found, self.card.scale, picture=f"v1/photos/{row.id}/picture"))

    async def remembered(self, row: Row) -> bytes:
        """As the scan kept it, where the photo's file is gone or has changed."""
        votes_HW = await self.shelf.ask(self.shelf.votes, row.record.path)
        return (
            b"null"
            if votes_HW is None
            else compact(page.mapped(regions(votes_HW, self.card), self.card.scale))
        )

    async def drawn(self, row: Row, side: int) -> bytes:
        """Raises Refused (404)."""
        (picture,) = (await self.read(self.job(row, pictures=(side,), picture_format="JPEG"))).pictures
        return picture

    def job(self, row: Row, **wanted: Any) -> DecodeJob:
        return DecodeJob(source=row.record.path, expected_sha256=bytes.fromhex(row.sha256), **wanted)

    async def read(self, job: DecodeJob) -> DecodedPhoto:
        """The photo drawn or prepared. Raises Refused (404)."""
        with self.room.enter() as stay:
            stay.photo()
            found = await asyncio.wrap_future(self.decoders.submit(job))
        if found.error is not None:
            raise Refused(404, str(found.error))
        return found


def listed(row: Row) -> dict[str, Any]:
    thumbnail = f"v1/photos/{row.id}/thumbnail" if row.record.ok else None
    return page.listed(row.id, row.record, taken=row.taken, camera=row.camera, thumbnail=thumbnail)


def regions(votes_HW: np.ndarray, card: ModelCard) -> RegionMap:
    """Weights of equation 4 from votes on the human scale."""
    unit_HW = (votes_HW - card.scale.low) / (card.scale.high - card.scale.low)
    return RegionMap(votes=votes_HW, weights=vote_weights(unit_HW, card.architecture.r))


def compact(values: dict[str, Any]) -> bytes:
    return json.dumps(values, allow_nan=False, separators=(",", ":")).encode()
