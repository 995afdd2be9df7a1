"""Uploads to records: decoding in processes of its own, the network in one thread, nothing kept."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from itertools import islice
from typing import Generic, TypeVar

from PIL import Image

from rgnet.culling.crops import CropSearch, choose_crop, crop_job
from rgnet.errors import PhotoDecoderCrashed, PhotoError, PhotoTimedOut, PhotoTooLarge, PhotoUnsupported
from rgnet.explanation import Explanation, explain_prepared
from rgnet.faces.detection import FaceDetector
from rgnet.imaging.crop import DecodedCrops
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.prepare import Prepared
from rgnet.imaging.workers import DecodePool
from rgnet.results import Record, ScoreFailure
from rgnet.scorer import BATCH, Scorer, score_in_batches
from rgnet.service.metrics import Metrics
from rgnet.service.settings import Settings
from rgnet.service.uploads import Upload
from rgnet.what_if import WhatIf, compare_covered, cover_cells

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_Returned = TypeVar("_Returned")

_STATUS = {PhotoTooLarge: 413, PhotoUnsupported: 415}


@dataclass(frozen=True, slots=True)
class ScoredUpload:
    """What became of one upload.

    sha256:      of the bytes that were sent, in hexadecimal
    status:      of a response about this photo alone
    explanation, crop: where they were asked for and there is a score
    """

    sha256: str
    record: Record
    status: int
    explanation: Explanation | None = None
    crop: CropSearch | None = None


class Inference:
    """Belongs to one event loop; open it with `running`."""

    def __init__(self, scorer: Scorer, settings: Settings, metrics: Metrics) -> None:
        self.scorer, self.metrics = scorer, metrics
        self.policy = DecodePolicy(max_bytes=settings.max_bytes, max_pixels=settings.max_pixels)
        self.pool = DecodePool(scorer.threads, seconds=settings.decode_s, memory=settings.decode_memory)
        self._detector: FaceDetector | None = None
        self.batcher: _Batcher[tuple[str, Prepared | PhotoError], Record] = _Batcher(
            self._score_batch,
            size=BATCH,
            gather_s=settings.gather_s,
            observe_size=metrics.batch_photos.observe,
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Ready when entered: its processes run and the network has answered once."""
        batching = asyncio.create_task(self.batcher.run())
        try:
            with self.pool:
                await self._warm_up()
                yield
        finally:
            batching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await batching
            self.batcher.thread.shutdown()

    async def _warm_up(self) -> None:
        """So that the first photos wait for no process to start and no network to compile."""
        upload = Upload("warm-up", _small_photo())
        photos = await asyncio.gather(*(self._decode(upload) for _ in range(self.scorer.threads)))
        batch = [(upload.name, photo.prepared_or_error) for photo in photos]
        for record in await self.batcher.run_alone(self._score_batch, batch):
            assert not isinstance(record, ScoreFailure), record.error

    async def score(self, upload: Upload) -> ScoredUpload:
        photo = await self._decode(upload)
        if photo.error is not None:
            return self._fail(upload, photo, photo.error)
        record = await self.batcher.submit((upload.name, photo.prepared_or_error))
        return self._finish(photo, record)

    async def explain(self, upload: Upload, what_if: int | None) -> ScoredUpload:
        photo = await self._decode(upload)
        if photo.error is not None:
            return self._fail(upload, photo, photo.error)
        found = await self.explain_decoded(upload.name, photo.prepared_or_error, what_if)
        if isinstance(found, ScoreFailure):
            return self._finish(photo, found)
        return self._finish(photo, found.photo, explanation=found)

    async def crop(self, upload: Upload, ratio: float, size: float) -> ScoredUpload:
        job = crop_job(upload.data, self.scorer, ratio, size=size)
        photo = await self._decode(upload, job)
        if not isinstance(photo, DecodedCrops):
            assert photo.error is not None
            return self._fail(upload, photo, photo.error)
        try:
            found = await self.crop_decoded(upload.name, photo)
        except PhotoError as problem:
            return self._fail(upload, photo, problem)
        return self._finish(photo, found.photo, crop=found)

    async def crop_decoded(self, name: str, photo: DecodedCrops) -> CropSearch:
        """In the thread of the network, between two batches. Raises PhotoError."""
        return await self.batcher.run_alone(self._choose_crop, name, photo)

    def _choose_crop(self, name: str, photo: DecodedCrops) -> CropSearch:
        """In the thread of the network, which alone uses the detector."""
        self._detector = self._detector or FaceDetector()
        return choose_crop(name, photo, self.scorer, self._detector)

    async def explain_decoded(
        self, name: str, photo: Prepared | PhotoError, what_if: int | None = None
    ) -> Explanation | ScoreFailure:
        """In the thread of the network, between two batches."""
        explain = partial(explain_prepared, self.scorer, [name], [photo], what_if=what_if)
        return (await self.batcher.run_alone(explain))[0]

    async def what_if(self, photo: Prepared) -> WhatIf:
        """In the thread of the network, a batch at a time, so that others come between."""
        covered = cover_cells(photo)

        def score_some() -> list[float]:
            return score_in_batches(self.scorer, islice(covered, BATCH))

        scores: list[float] = []
        while some := await self.batcher.run_alone(score_some):
            scores += some
        return compare_covered(scores)

    def _fail(self, upload: Upload, photo: DecodedPhoto, error: PhotoError) -> ScoredUpload:
        self.metrics.photos.labels("failed").inc()
        sha256 = photo.sha256 or hashlib.sha256(upload.data).digest()
        (record,) = self.scorer.score_prepared([upload.name], [error])
        return ScoredUpload(sha256.hex(), record, status_of(error))

    def _finish(
        self,
        photo: DecodedPhoto,
        record: Record,
        *,
        explanation: Explanation | None = None,
        crop: CropSearch | None = None,
    ) -> ScoredUpload:
        self.metrics.photos.labels("scored" if record.ok else "failed").inc()
        # Taken where the bytes were decoded, so that no result can carry another photo's hash
        assert photo.sha256 is not None
        return ScoredUpload(photo.sha256.hex(), record, 200 if record.ok else 422, explanation, crop)

    def _score_batch(self, photos: list[tuple[str, Prepared | PhotoError]]) -> list[Record]:
        names, prepared = zip(*photos, strict=True)
        return self.scorer.score_prepared(names, prepared)

    async def _decode(self, upload: Upload, job: DecodeJob | None = None) -> DecodedPhoto:
        """The upload decoded in another process, whose death is this upload's failure and no other's."""
        job = job or DecodeJob(source=upload.data, preprocess=self.scorer.card.preprocess)
        job = replace(job, name=upload.name, policy=self.policy)
        with self.batcher.expecting(), self.metrics.decode_seconds.time():
            photo = await asyncio.wrap_future(self.pool.submit(job))
        lost = isinstance(photo.error, PhotoDecoderCrashed | PhotoTimedOut)
        self.metrics.decoders_lost.inc(photo.attempts - 1 + lost)
        return photo


def status_of(error: PhotoError) -> int:
    """The HTTP status of a photo that cannot be scored."""
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 422)


def _small_photo() -> bytes:
    file = BytesIO()
    Image.new("RGB", (64, 64)).save(file, "JPEG")
    return file.getvalue()


class _Batcher(Generic[_Item, _Result]):
    """Items of many requests gathered into batches for one thread that computes. Belongs to one event loop.

    work:         a list of items to a list of as many results; called in that thread
    size:         of a batch at most
    gather_s:     seconds that the first item of a batch waits for more, as long as more are expected
    observe_size: called with the size of each batch
    """

    def __init__(
        self,
        work: Callable[[list[_Item]], list[_Result]],
        *,
        size: int,
        gather_s: float,
        observe_size: Callable[[float], None],
    ) -> None:
        self.work, self.size, self.gather_s, self.observe_size = work, size, gather_s, observe_size
        self.expected = 0
        self.queue: asyncio.Queue[tuple[_Item, asyncio.Future[_Result]]] = asyncio.Queue()
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="rgnet-network")

    @contextlib.contextmanager
    def expecting(self) -> Iterator[None]:
        """An item is on its way."""
        self.expected += 1
        try:
            yield
        finally:
            self.expected -= 1

    async def submit(self, item: _Item) -> _Result:
        """The item's result; raises what `work` raised."""
        future: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        self.queue.put_nowait((item, future))
        return await future

    async def run_alone(self, call: Callable[..., _Returned], *arguments: object) -> _Returned:
        """The result of another call in the same thread, between two batches."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, call, *arguments)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            batch = await self._gather()
            self.observe_size(len(batch))
            items = [item for item, _ in batch]
            try:
                results = await asyncio.get_running_loop().run_in_executor(self.thread, self.work, items)
            except Exception as problem:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(problem)
                continue
            for (_, future), result in zip(batch, results, strict=True):
                # Whoever asked may have gone away
                if not future.done():
                    future.set_result(result)

    async def _gather(self) -> list[tuple[_Item, asyncio.Future[_Result]]]:
        batch = [await self.queue.get()]
        deadline = asyncio.get_running_loop().time() + self.gather_s
        while len(batch) < self.size:
            if not self.queue.empty():
                batch.append(self.queue.get_nowait())
                continue
            left = deadline - asyncio.get_running_loop().time()
            if not self.expected or left <= 0:
                break
            try:
                batch.append(await asyncio.wait_for(self.queue.get(), left))
            except TimeoutError:
                break
        return batch
