"""The desk: uploads in, records out. Decoding in processes of its own, the network in one thread, nothing kept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO

from PIL import Image

from rgnet.errors import PhotoError
from rgnet.explanation import Explanation, explain_prepared
from rgnet.imaging.formats import HEAD_BYTES, photo_format
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.prepare import Prepared
from rgnet.imaging.workers import DecodePool
from rgnet.results import Record, ScoreFailure
from rgnet.scorer import BATCH, Scorer
from rgnet.service.batches import Batches
from rgnet.service.metrics import Metrics
from rgnet.service.settings import Settings
from rgnet.service.uploads import Upload


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of one upload.

    sha256:      of the bytes that were sent, in hexadecimal
    status:      that an answer about this photo alone has
    explanation: where it was asked for and there is a score
    """

    sha256: str
    record: Record
    status: int
    explanation: Explanation | None = None


class Desk:
    """Belongs to one event loop; open it with `working`."""

    def __init__(self, scorer: Scorer, settings: Settings, metrics: Metrics) -> None:
        self.scorer, self.metrics = scorer, metrics
        self.policy = DecodePolicy(max_bytes=settings.max_bytes, max_pixels=settings.max_pixels)
        self.decoders = DecodePool(scorer.threads, seconds=settings.decode_s, memory=settings.decode_memory)
        self.batches = Batches(
            self.records, size=BATCH, gather_s=settings.gather_s, seen=metrics.batch_photos.observe
        )

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Ready when entered: its processes run and the network has answered once."""
        running = asyncio.create_task(self.batches.run())
        try:
            with self.decoders:
                await self.rehearse()
                yield
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            self.batches.thread.shutdown()

    async def rehearse(self) -> None:
        """So that the first photos wait for no process to start and no network to compile."""
        upload = Upload("rehearsal", small_photo())
        seen = await asyncio.gather(*(self.seen(upload) for _ in range(self.decoders.processes)))
        photos = [(upload.name, one.prepared_or_error) for one in seen]
        for record in await self.batches.alone(self.records, photos):
            assert record.ok, record.error

    async def score(self, upload: Upload) -> Answer:
        seen = await self.seen(upload)
        photo = (upload.name, seen.prepared_or_error)
        record = self.records([photo])[0] if seen.error else await self.batches.answer(photo)
        return self.answered(upload, seen, record)

    async def explain(self, upload: Upload, what_if: int | None) -> Answer:
        seen = await self.seen(upload)
        found = await self.explained(upload.name, seen.prepared_or_error, what_if)
        if isinstance(found, ScoreFailure):
            return self.answered(upload, seen, found)
        return self.answered(upload, seen, found.photo, found)

    async def explained(
        self, name: str, photo: Prepared | PhotoError, what_if: int | None = None
    ) -> Explanation | ScoreFailure:
        """In the thread of the network, between two batches."""
        explain = partial(explain_prepared, self.scorer, [name], [photo], what_if=what_if)
        return (await self.batches.alone(explain))[0]

    def answered(
        self, upload: Upload, seen: DecodedPhoto, record: Record, explanation: Explanation | None = None
    ) -> Answer:
        self.metrics.photos.labels("scored" if record.ok else "failed").inc()
        assert seen.sha256
        return Answer(seen.sha256.hex(), record, 200 if record.ok else status_of(upload.data), explanation)

    def records(self, photos: list[tuple[str, Prepared | PhotoError]]) -> list[Record]:
        return self.scorer.score_prepared(*zip(*photos, strict=True))

    async def seen(self, upload: Upload) -> DecodedPhoto:
        """The upload decoded in a process; the process's death is this upload's failure and no other's."""
        job = DecodeJob(
            source=upload.data, name=upload.name, preprocess=self.scorer.card.preprocess, policy=self.policy
        )
        self.batches.coming += 1
        try:
            with self.metrics.decode_seconds.time():
                found = await asyncio.wrap_future(self.decoders.submit(job))
        finally:
            self.batches.coming -= 1
        self.metrics.decoders_lost.inc(found.attempts - (not found.lost_its_process))
        return found


def status_of(data: bytes) -> int:
    """Of a photo without a score: of no type that we read, or of one that should have decoded."""
    return 415 if data and photo_format(data[:HEAD_BYTES]) is None else 422


def small_photo() -> bytes:
    file = BytesIO()
    Image.new("RGB", (64, 64)).save(file, "JPEG")
    return file.getvalue()
