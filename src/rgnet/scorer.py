"""Scorer: load a model once, score many photos. Knows no folders and no HTTP, and keeps nothing of a photo."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import overload

import numpy as np
from PIL import Image

from rgnet.engines import Engine, open_engine
from rgnet.errors import PhotoDamaged, PhotoError
from rgnet.imaging.decode import Source
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.prepare import Prepared, prepare
from rgnet.imaging.workers import cores
from rgnet.results import Record, RegionMap, ScoredPhoto, ScoreFailure
from rgnet.weights.card import ModelCard
from rgnet.weights.file import ModelFile, read_card, read_model
from rgnet.weights.registry import available_models, find_model

BATCH = 8
# Photos among which those of one shape are looked for, where shapes differ
SORTED = 4 * BATCH
# Of p in equation 5, which reaches from here to 1 - LOWEST_P
LOWEST_P = 1 / (1 + math.e)


class Scorer:
    """Scores photos with one model on one engine; may be used from many threads.

    card:        the model's card
    preprocess:  how photos are fed, which `fit` may change: the card's otherwise
    engine_name: what computes, in which precision
    """

    def __init__(
        self,
        model: ModelFile,
        engine: Engine,
        *,
        policy: DecodePolicy | None = None,
        threads: int | None = None,
        fit: str | None = None,
    ) -> None:
        self.card: ModelCard = model.card
        usual = model.card.preprocess
        self.preprocess = usual if fit is None else replace(usual, fit=fit)
        self.engine = engine
        self.policy = policy or DecodePolicy()
        self.threads = threads or cores()

    @property
    def engine_name(self) -> str:
        return self.engine.name

    @overload
    def score(self, photo: Source, *, regions: bool = False) -> ScoredPhoto: ...
    @overload
    def score(self, photo: list[Source] | tuple[Source, ...], *, regions: bool = False) -> list[Record]: ...

    def score(self, photo, *, regions=False):
        """One photo's score, raising a PhotoError where there is none; or a list's records, failures among them.

        photo:   a path, a file's bytes, a Pillow image, a uint8 array (H, W, 3); or a list of those
        regions: also give the region map
        """
        if isinstance(photo, list | tuple):
            return list(self.score_many(photo, regions=regions))
        return self.score_prepared([photo], [self.prepare(photo)], regions=regions)[0]

    def score_many(self, sources: Iterable[Source], *, regions: bool = False) -> Iterator[Record]:
        """One record for each source, in their order, while the next photos are being decoded.

        Holds a few batches of photos at most, however many sources there are; more where shapes differ, so that
        photos of one shape meet.
        """
        together = BATCH if self.preprocess.fit == "squash" else SORTED
        waiting: deque[tuple[Source, Future[Prepared | PhotoError]]] = deque()
        sources = iter(sources)
        with ThreadPoolExecutor(self.threads, thread_name_prefix="rgnet-decode") as pool:
            try:
                while True:
                    room = 2 * together + BATCH - len(waiting)
                    waiting.extend(
                        (source, pool.submit(self._attempt, source)) for source in islice(sources, room)
                    )
                    if not waiting:
                        return
                    batch = [waiting.popleft() for _ in range(min(together, len(waiting)))]
                    sources_now, futures = zip(*batch, strict=True)
                    photos = [future.result() for future in futures]
                    yield from self.score_prepared(sources_now, photos, regions=regions)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _attempt(self, source: Source) -> Prepared | PhotoError:
        try:
            return self.prepare(source)
        except PhotoError as problem:
            return problem
        except (
            Exception
        ) as problem:  # one photo must not stop the others: what no decoder foresaw is a failure too
            return PhotoDamaged(f"{named(source)}: decoding failed with {type(problem).__name__}: {problem}")

    def prepare(self, source: Source) -> Prepared:
        """Decode a photo to what this scorer feeds its network. Raises what `decode` raises."""
        photo = prepare(source, self.preprocess, self.policy)
        height, width, _ = photo.pixels_HW3.shape
        usual = self.card.preprocess.target(photo.width, photo.height)
        if (width, height) == usual:
            return photo
        exam = f"{usual[0]} x {usual[1]}"
        note = f"{self.preprocess.fit}: seen at {width} x {height} pixels, in the model's exam at {exam}"
        return photo._replace(notes=(*photo.notes, note))

    def score_prepared(
        self, sources: Sequence[Source], photos: Sequence[Prepared | PhotoError], *, regions: bool = False
    ) -> list[Record]:
        """Records of photos that `prepare` has decoded, here or in another process; for one batch.

        Photos of one shape run together, and failures keep their place.
        """
        records = [
            self.failure(source, photo) if isinstance(photo, PhotoError) else None
            for source, photo in zip(sources, photos, strict=True)
        ]
        for indices, pixels_BHWC in batches(photos):
            for index, *answer in zip(indices, *self.engine.run(pixels_BHWC), strict=True):
                records[index] = self.record(sources[index], photos[index], *answer, regions=regions)
        return records

    def record(
        self,
        source: Source,
        photo: Prepared,
        image_C: np.ndarray,
        vote_HWC: np.ndarray,
        *,
        regions: bool = False,
    ) -> Record:
        """What the engine's answer to one photo means: a failure where it is not a number."""
        if not np.isfinite(image_C).all():
            return self.failure(
                source, PhotoDamaged(f"{named(source)}: the network's answer is not a number")
            )
        unit, probability = unit_score(image_C, self.card.architecture.bins)
        score = self.card.scale.human(unit)
        return ScoredPhoto(
            path=named(source),
            score=score,
            percentile=self.card.scale.percentile(score),
            label=None if probability is None else ("high" if image_C[1] > image_C[0] else "low"),
            probability=probability,
            width=photo.width,
            height=photo.height,
            model=self.card.name,
            model_hash=self.card.short_hash,
            engine=self.engine.name,
            notes=photo.notes,
            histogram=tuple(image_C.tolist()) if self.card.architecture.head == "histogram" else None,
            regions=self.region_map(vote_HWC) if regions else None,
        )

    def failure(self, source: Source, problem: PhotoError) -> ScoreFailure:
        return ScoreFailure(
            path=named(source),
            error=str(problem),
            model=self.card.name,
            model_hash=self.card.short_hash,
            engine=self.engine.name,
        )

    def region_map(self, vote_HWC: np.ndarray) -> RegionMap:
        """Votes of the score, of the class "high", or the histogram's mean, on the human scale, and their weights."""
        bins = self.card.architecture.bins
        vote_HW = vote_HWC @ np.float32(bins) if bins else vote_HWC[..., -1].astype(np.float32)
        return RegionMap(
            votes=self.card.scale.human(vote_HW), weights=vote_weights(vote_HW, self.card.architecture.r)
        )


def vote_weights(vote_HW: np.ndarray, r: float) -> np.ndarray:
    """Every region's weight in the log-sum-exp of equation 4, of votes in [0, 1]; they sum to 1."""
    weight_HW = np.exp(r * (vote_HW - vote_HW.max()))
    return weight_HW / weight_HW.sum()


def batches(photos: Sequence[Prepared | PhotoError]) -> Iterator[tuple[list[int], np.ndarray]]:
    """The photos that decoded, those of one shape together, at most BATCH: (their places, pixels_BHWC)."""
    shapes: dict[tuple[int, ...], list[int]] = {}
    for index, photo in enumerate(photos):
        if not isinstance(photo, PhotoError):
            shapes.setdefault(photo.pixels_HW3.shape, []).append(index)
    for group in shapes.values():
        for start in range(0, len(group), BATCH):
            indices = group[start : start + BATCH]
            yield indices, np.stack([photos[index].pixels_HW3 for index in indices])


def unit_score(image_C: np.ndarray, bins: tuple[float, ...] = ()) -> tuple[float, float | None]:
    """(score in [0, 1], p(high) or None).

    A score head gives y itself, a histogram over `bins` its mean. Two classes give p of equation 5, which votes
    in [0, 1] hold between 1 / (1 + e) and e / (1 + e); the score is p stretched from that interval to [0, 1].
    """
    if bins:
        return float(image_C @ np.float64(bins)), None
    if len(image_C) == 1:
        return float(image_C[0]), None
    p = 1 / (1 + math.exp(float(image_C[0]) - float(image_C[1])))
    return (p - LOWEST_P) / (1 - 2 * LOWEST_P), p


def named(source: Source) -> str:
    """How a record names what was scored."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    if isinstance(source, Image.Image):
        return "<image>"
    return "<array>" if isinstance(source, np.ndarray) else "<bytes>"


def load(
    model: str | Path | None = None,
    *,
    engine: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    policy: DecodePolicy | None = None,
    fit: str | None = None,
) -> Scorer:
    """A scorer, ready to use.

    model:     a name from `rgnet models`, a file, or None for the model that comes with rgnet
    engine:    "auto", "openvino", "torch", "torch:cuda:1", "compiled:cuda", ...
    precision: "auto", "f32", "bf16", "f16" or "int8"
    threads:   of the processor, for decoding and for the network; None for all
    policy:    what the decoder accepts
    fit:       "keep" for a photo's own shape, "squash" for the square, at no more pixels than the square; None for
               what the model was examined with
    Raises the errors of ModelFileError, EngineError, SettingError and MissingExtra.
    """
    file = read_model(find_model(model))
    return opened(file, engine=engine, precision=precision, threads=threads, policy=policy, fit=fit)


def opened(
    file: ModelFile,
    *,
    engine: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    policy: DecodePolicy | None = None,
    fit: str | None = None,
) -> Scorer:
    """A scorer of a model file that is read already; arguments and errors as of `load`."""
    running = open_engine(file, engine, precision=precision, threads=threads)
    return Scorer(file, running, policy=policy, threads=threads, fit=fit)


def models() -> list[tuple[Path, ModelCard]]:
    """Every model at hand by its file and its card."""
    return [(path, read_card(path)) for path in available_models().values()]
