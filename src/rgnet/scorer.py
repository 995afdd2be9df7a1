"""Scorer: load a model once, score many photos. Knows no folders and no HTTP, and keeps nothing of a photo."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, overload

import numpy as np
from PIL import Image

from rgnet.engines.base import Engine
from rgnet.engines.registry import open_engine
from rgnet.errors import ModelFileError, PhotoDamaged, PhotoError
from rgnet.imaging.apart import prepare_any
from rgnet.imaging.decode import Source
from rgnet.imaging.files import absolute_path
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob, unexpected_failure
from rgnet.imaging.policy import SECONDS, DecodePolicy
from rgnet.imaging.prepare import Prepared
from rgnet.imaging.preprocess import Fit
from rgnet.imaging.workers import DecodePool, cores
from rgnet.results import Record, RegionMap, ScoredPhoto, ScoreFailure
from rgnet.weights.card import ModelCard
from rgnet.weights.file import ModelFile, read_model
from rgnet.weights.registry import find_model, read_cards

S = TypeVar("S", bound=Source)

BATCH = 8
# Photos that are grouped by shape at a time, where shapes differ
_GROUPED = 4 * BATCH
# What bfloat16 may add to an output
_ROUNDING = 0.05
# Of p in equation 5, which reaches from here to 1 - LOWEST_P
LOWEST_P = 1 / (1 + math.e)


class Scorer:
    """Scores photos with one model on one engine; may be used from many threads.

    card:        the model's card
    preprocess:  how photos are fed: the card's, unless `fit` changes it
    engine_name: what computes, in which precision
    """

    def __init__(
        self,
        model: ModelFile,
        engine: Engine,
        *,
        policy: DecodePolicy | None = None,
        threads: int | None = None,
        fit: Fit | None = None,
    ) -> None:
        self.card: ModelCard = model.card
        default = model.card.preprocess
        self.preprocess = default if fit is None else replace(default, fit=fit)
        self.engine = engine
        self.policy = policy or DecodePolicy()
        self.threads = threads or cores()

        self._origin: _Origin | None = None

    @property
    def engine_name(self) -> str:
        return self.engine.name

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process opens the same model file again; an engine itself cannot be sent.

        Raises TypeError for a scorer of a model that is no file.
        """
        if self._origin is None:
            raise TypeError(
                "this Scorer has no model file to be opened from again: call rgnet.load in each process"
            )
        return _reopen, (self._origin, self.card.sha256)

    @overload
    def score(self, photo: Source, *, regions: bool = False) -> ScoredPhoto: ...
    @overload
    def score(self, photo: list[S] | tuple[S, ...], *, regions: bool = False) -> list[Record]: ...

    def score(self, photo: Any, *, regions: bool = False) -> ScoredPhoto | list[Record]:
        """One photo's score, raising a PhotoError where there is none; or a list's records, failures among them.

        photo:   a path, a file's bytes, a Pillow image, a uint8 array (H, W, 3); or a list of those
        regions: also give the region map

        One photo alone is decoded in this process, without a limit on time and memory; the paths of a list as those of
        `score_many`. A path and bytes give the same score. A large JPEG is decoded at a fraction of its size, which a
        Pillow image or an array has not been: their scores may differ by about a hundredth of a point.
        """
        if isinstance(photo, list | tuple):
            return list(self.score_many(photo, regions=regions))
        (record,) = self.score_prepared([photo], [self.prepare(photo)], regions=regions)
        if isinstance(record, ScoreFailure):
            raise PhotoDamaged(record.path, record.error, hint="")
        return record

    def score_many(
        self,
        sources: Iterable[Source],
        *,
        regions: bool = False,
        timeout: float = SECONDS,
        pool: DecodePool | None = None,
    ) -> Iterator[Record]:
        """One record for each source, in their order, while the next photos are being decoded.

        timeout: seconds that a photo may take to decode
        pool:    processes that decode, to be used for several calls; its own time limit applies. Default: some that
                 start with this call, which takes about 0.2 s, and end with it

        Paths and bytes are decoded in other processes, within limits on time and memory: a photo that takes too long or
        crashes its decoder is tried once more in a new process, and is then a failure. Images and arrays are prepared
        in this process, without these limits.
        Holds a few batches of photos at most, however many sources there are; more where shapes differ, so that
        photos of one shape meet.
        """
        together = BATCH if self.preprocess.fit == "squash" else _GROUPED
        waiting: deque[tuple[Source, Future[DecodedPhoto]]] = deque()
        sources = iter(sources)
        with nullcontext(pool) if pool else DecodePool(self.threads, seconds=timeout) as decoders:
            try:
                while True:
                    room = 2 * together + BATCH - len(waiting)
                    waiting.extend(
                        (source, self._submit(source, decoders)) for source in islice(sources, room)
                    )
                    if not waiting:
                        return
                    batch = [waiting.popleft() for _ in range(min(together, len(waiting)))]
                    sources_now, futures = zip(*batch, strict=True)
                    photos = [self.take(future.result()) for future in futures]
                    yield from self.score_prepared(sources_now, photos, regions=regions)
            finally:
                for _, future in waiting:
                    future.cancel()

    def _submit(self, source: Source, pool: DecodePool) -> Future[DecodedPhoto]:
        if isinstance(source, str | os.PathLike):
            return pool.submit(self.decode_job(os.fsdecode(source)))
        if isinstance(source, bytes):
            return pool.submit(self.decode_job(source, name=_source_name(source)))
        return pool.call(self._decode_here, source)

    def decode_job(self, photo: str | bytes, *, name: str = "") -> DecodeJob:
        """What a DecodePool has to do with a photo to be scored; `take` its answer.

        photo: a path, or the content of a file with a name
        """
        return DecodeJob(
            source=photo if isinstance(photo, bytes) else absolute_path(photo),
            name=photo if isinstance(photo, str) else name,
            hashed=False,
            preprocess=self.preprocess,
            policy=self.policy,
        )

    def _decode_here(self, source: Source) -> DecodedPhoto:
        try:
            return DecodedPhoto(prepared=prepare_any(source, self.preprocess, self.policy))
        except PhotoError as problem:
            return DecodedPhoto(error=problem)
        except (
            Exception
        ) as problem:  # one photo must not stop the others: what no decoder foresaw is a failure too
            return DecodedPhoto(error=unexpected_failure(_source_name(source), problem))

    def take(self, found: DecodedPhoto) -> Prepared | PhotoError:
        """What `score_prepared` is given of an answer to `decode_job`."""
        photo = found.prepared_or_error
        return photo if isinstance(photo, PhotoError) else self._note_fit(photo)

    def prepare(self, source: Source) -> Prepared:
        """Decode a photo to what this scorer feeds its network. Raises what `decode` raises.

        A camera raw file is decoded in a process that is started for it.
        """
        return self._note_fit(prepare_any(source, self.preprocess, self.policy))

    def _note_fit(self, photo: Prepared) -> Prepared:
        """Says of a photo that is not fed at the size at which the model was evaluated."""
        height, width, _ = photo.pixels_HW3.shape
        evaluated = self.card.preprocess.target(photo.width, photo.height)
        if (width, height) == evaluated:
            return photo
        note = (
            f"{self.preprocess.fit}: scored at {width} x {height} pixels, "
            f"the model was evaluated at {evaluated[0]} x {evaluated[1]}"
        )
        return photo._replace(notes=(*photo.notes, note))

    def score_prepared(
        self,
        sources: Sequence[Source],
        photos: Sequence[Prepared | PhotoError],
        *,
        regions: bool = False,
        features: bool = False,
    ) -> list[Record]:
        """Records of photos that `prepare` has decoded, here or in another process; for one batch.

        features: also give the backbone's features
        Photos of one shape run together, and failures keep their place. Raises EngineError for features in int8.
        """
        records: dict[int, Record] = {
            index: self.make_failure(source, photo)
            for index, (source, photo) in enumerate(zip(sources, photos, strict=True))
            if isinstance(photo, PhotoError)
        }
        for batch in batches_by_shape(photos):
            feature_BD: Iterable[np.ndarray | None]
            if features:
                image_BC, vote_BHWC, feature_BD = self.engine.run_with_features(batch.pixels_BHWC)
            else:
                (image_BC, vote_BHWC), feature_BD = (
                    self.engine.run(batch.pixels_BHWC),
                    [None] * len(batch.photos),
                )
            for index, photo, image_C, vote_HWC, feature_D in zip(
                batch.indices, batch.photos, image_BC, vote_BHWC, feature_BD, strict=True
            ):
                record = self.make_record(sources[index], photo, image_C, vote_HWC, regions=regions)
                if feature_D is not None and isinstance(record, ScoredPhoto):
                    record = replace(record, features=_as_half(feature_D))
                records[index] = record
        return [records[index] for index in range(len(sources))]

    def make_record(
        self,
        source: Source,
        photo: Prepared,
        image_C: np.ndarray,
        vote_HWC: np.ndarray,
        *,
        regions: bool = False,
    ) -> Record:
        """The record of one photo's network output; a failure where that is none of 0 to 1, rounding apart."""
        if not (np.abs(image_C - 0.5) < 0.5 + _ROUNDING).all():
            problem = PhotoDamaged(
                _source_name(source),
                "the network's output is not a number between 0 and 1",
                "try another model or engine",
            )
            return self.make_failure(source, problem)
        unit, probability = unit_score(image_C, self.card.architecture.bins)
        score = self.card.scale.human(unit)
        return ScoredPhoto(
            path=_source_name(source),
            score=score,
            percentile=self.card.scale.percentile(score),
            label=None if probability is None else ("high" if image_C[1] > image_C[0] else "low"),
            probability=probability,
            width=photo.width,
            height=photo.height,
            model=self.card.name,
            model_hash=self.card.short_hash,
            engine=self.engine.name,
            notes=(*photo.notes, *self._note_small(photo)),
            histogram=tuple(image_C.tolist()) if self.card.architecture.head == "histogram" else None,
            regions=self._region_map(vote_HWC) if regions else None,
        )

    def _note_small(self, photo: Prepared) -> tuple[str, ...]:
        """Says of a photo that it was enlarged further than the model's scores hold still: blur looks like a flaw."""
        height, width, _ = photo.pixels_HW3.shape
        if max(width / photo.width, height / photo.height) <= self.card.most_enlarged:
            return ()
        return (f"small: enlarged to {width} x {height} pixels, its score is too low beside larger photos",)

    def make_failure(self, source: Source, problem: PhotoError) -> ScoreFailure:
        return ScoreFailure(
            path=_source_name(source),
            error=problem.message,
            model=self.card.name,
            model_hash=self.card.short_hash,
            engine=self.engine.name,
        )

    def _region_map(self, vote_HWC: np.ndarray) -> RegionMap:
        """Votes of the score, of the class "high", or the histogram's mean, on the human scale, and their weights."""
        bins = self.card.architecture.bins
        vote_HW = vote_HWC @ np.array(bins, np.float32) if bins else vote_HWC[..., -1].astype(np.float32)
        return RegionMap(
            votes=self.card.scale.human(vote_HW), weights=vote_weights(vote_HW, self.card.architecture.r)
        )


def _as_half(feature_D: np.ndarray) -> np.ndarray:
    """As float16, which ends at 65504."""
    end = float(np.finfo(np.float16).max)
    return np.clip(feature_D, -end, end).astype(np.float16)


def vote_weights(vote_HW: np.ndarray, r: float) -> np.ndarray:
    """Every region's weight in the log-sum-exp of equation 4, of votes in [0, 1]; they sum to 1."""
    weight_HW = np.exp(r * (vote_HW - vote_HW.max()))
    return weight_HW / weight_HW.sum()


def weights_of_ratings(votes_HW: np.ndarray, card: ModelCard) -> np.ndarray:
    """The same weights from votes on the human scale, as exact as these are."""
    unit_HW = (votes_HW - card.scale.low) / (card.scale.high - card.scale.low)
    return vote_weights(unit_HW, card.architecture.r)


def score_in_batches(scorer: Scorer, photos: Iterable[Prepared]) -> list[float]:
    """Scores of any number of photos in memory; not a number where there is none."""
    scores, waiting = [], iter(photos)
    while batch := list(islice(waiting, BATCH)):
        records = scorer.score_prepared([""] * len(batch), batch)
        scores += [math.nan if record.score is None else record.score for record in records]
    return scores


class _Origin(NamedTuple):
    """What a scorer was opened from."""

    path: Path
    engine: str
    precision: str
    threads: int | None
    policy: DecodePolicy | None
    fit: Fit | None


class ShapeBatch(NamedTuple):
    """At most BATCH photos of one shape, and their places among those that were given."""

    indices: list[int]
    photos: list[Prepared]
    pixels_BHWC: np.ndarray


def batches_by_shape(photos: Sequence[Prepared | PhotoError]) -> Iterator[ShapeBatch]:
    """The photos that decoded, those of one shape together."""
    shapes: dict[tuple[int, ...], list[tuple[int, Prepared]]] = {}
    for index, photo in enumerate(photos):
        if not isinstance(photo, PhotoError):
            shapes.setdefault(photo.pixels_HW3.shape, []).append((index, photo))
    for group in shapes.values():
        for start in range(0, len(group), BATCH):
            batch = group[start : start + BATCH]
            found = [photo for _, photo in batch]
            pixels_BHWC = np.stack([photo.pixels_HW3 for photo in found])
            yield ShapeBatch([index for index, _ in batch], found, pixels_BHWC)


def unit_score(image_C: np.ndarray, bins: tuple[float, ...] = ()) -> tuple[float, float | None]:
    """(score in [0, 1], p(high) or None).

    A score head gives y itself, a histogram over `bins` its mean. Two classes give p of equation 5, which votes
    in [0, 1] hold between 1 / (1 + e) and e / (1 + e); the score is p stretched from that interval to [0, 1].
    """
    if bins:
        return float(image_C @ np.array(bins, np.float64)), None
    if len(image_C) == 1:
        return float(image_C[0]), None
    p = 1 / (1 + math.exp(float(image_C[0]) - float(image_C[1])))
    return (p - LOWEST_P) / (1 - 2 * LOWEST_P), p


def _source_name(source: Source) -> str:
    """What a record calls the photo that was scored."""
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
    fit: Fit | None = None,
) -> Scorer:
    """A scorer, ready to use.

    model:     a name from `rgnet models`, a file, a folder or OWNER/NAME of a model hub, or None for the model that
               comes with rgnet
    engine:    "auto", "openvino", "torch", "torch:cuda:1", "compiled:cuda", ...
    precision: "auto", "f32", "bf16", "f16" or "int8"
    threads:   CPU threads for decoding and for the network; default: all cores
    policy:    what the decoder accepts
    fit:       "keep" to preserve the aspect ratio within the same pixel budget, "squash" to resize to a square;
               default: whatever the model was evaluated with
    Raises the errors of ModelFileError, EngineError, SettingError and MissingExtra.
    """
    file = read_model(find_model(model))
    return open_scorer(file, engine=engine, precision=precision, threads=threads, policy=policy, fit=fit)


def open_scorer(
    file: ModelFile,
    *,
    engine: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    policy: DecodePolicy | None = None,
    fit: Fit | None = None,
) -> Scorer:
    """A scorer of a model file that is read already; arguments and errors as of `load`."""
    one_shape = (fit or file.card.preprocess.fit) == "squash"
    running = open_engine(file, engine, precision=precision, threads=threads, one_shape=one_shape)
    scorer = Scorer(file, running, policy=policy, threads=threads, fit=fit)
    if file.path is not None:
        scorer._origin = _Origin(file.path.absolute(), engine, precision, threads, policy, fit)
    return scorer


def _reopen(origin: _Origin, sha256: str) -> Scorer:
    """A scorer that came from another process. Raises ModelFileError where its file holds another model by now."""
    path, engine, precision, threads, policy, fit = origin
    scorer = load(path, engine=engine, precision=precision, threads=threads, policy=policy, fit=fit)
    if scorer.card.sha256 != sha256:
        raise ModelFileError(
            f"{path} was replaced: expected the model {sha256[:12]}, found {scorer.card.short_hash}: load it anew"
        )
    return scorer


def models() -> list[tuple[Path, ModelCard]]:
    """The files and cards of all available models; files that cannot be read are left to `rgnet models` to list."""
    return [(path, card) for path, card in read_cards() if not isinstance(card, ModelFileError)]
