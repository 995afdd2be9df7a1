"""A video decoded in stretches, its frames scored as they come, so that no more of it is held than what is small."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from rgnet.errors import PhotoDamaged
from rgnet.imaging.measure import Measurement
from rgnet.imaging.video import DecodedVideo, Frame, VideoJob
from rgnet.imaging.workers import DecodePool
from rgnet.results import ScoredPhoto
from rgnet.scorer import BATCH, Scorer

# Of a stretch that one job decodes, and of a video altogether
CHUNK_S, LONGEST_S = 60.0, 3 * 3600.0
_FILES_AT_ONCE = 4
_DARK, _BRIGHT, _FLAT = 16.0, 239.0, 5.0
# Of a sample: pixels and seconds that may be decoded, and frames to look at; length and fewest number of its pieces
_SAMPLE_PIXELS, _SAMPLE_S, _LOOKS = 8e9, 600.0, 60
_PIECE_S, _PIECES = 6.0, 6

# What progress of long work is shown by, such as `rgnet.cli.progress.track`
Track = Callable[..., Iterable[Any]]


class ScoredFrame(NamedTuple):
    """A frame that was looked at and is neither black, white nor of one colour."""

    time_s: float
    measurement: Measurement
    record: ScoredPhoto


@dataclass(frozen=True, slots=True)
class Footage:
    """What is known of a part of a video without a gap. The arrays are those of `DecodedVideo`.

    begins, ends: whether the video does so where this part does
    """

    time_F: np.ndarray
    signature_FHW3: np.ndarray
    histogram_FK: np.ndarray
    frames: tuple[ScoredFrame, ...]
    begins: bool = True
    ends: bool = True


class VideoReading:
    """One video, read with the processes of a pool; what had to be worked around is gathered on the way.

    duration_s: that the file states; None where it does not
    skipped:    packets that could not be decoded
    notes:      in words
    """

    def __init__(self, video: str, scorer: Scorer, pool: DecodePool, *, regions: bool = False) -> None:
        self.job = VideoJob(source=video, preprocess=scorer.preprocess)
        self.scorer, self.pool, self.regions = scorer, pool, regions
        self.first = DecodedVideo()
        self.skipped = 0
        self.notes: dict[str, None] = {}

    @property
    def duration_s(self) -> float | None:
        return self.first.duration_s

    def read(self, every_s: float, track: Track) -> Footage:
        """All of it, up to LONGEST_S. Raises PhotoError where nothing of it can be read."""
        first = self._begin(CHUNK_S, every_s)
        starts = np.arange(CHUNK_S, min(self.duration_s or LONGEST_S, LONGEST_S), CHUNK_S).tolist()
        rest = self._stretches(starts, CHUNK_S, every_s)
        return _join([first, *track(rest, total=len(starts), description="reading")])

    def sample(self, every_s: float) -> list[Footage]:
        """As much as is allowed of a sample: all of it, or pieces that are spread over it. Raises PhotoError."""
        first = self._begin(_PIECE_S, every_s)
        allowed_s = min(_SAMPLE_PIXELS / self._pixels_per_second(first), _SAMPLE_S)
        allowed_s = max(allowed_s, _PIECES * _PIECE_S)
        stated_s = self.duration_s or allowed_s
        every_s = max(every_s, min(stated_s, allowed_s) / _LOOKS)
        if stated_s <= allowed_s:
            starts = np.arange(_PIECE_S, stated_s, CHUNK_S).tolist()
            whole = _join([first, *self._stretches(starts, CHUNK_S, every_s)])
            if self.duration_s is None and whole.time_F[-1] > stated_s - every_s:
                self.notes[
                    f"only the first {stated_s:.0f} s were looked at: the file does not state its length"
                ] = None
            return [whole]
        starts = np.linspace(0, stated_s - _PIECE_S, int(allowed_s / _PIECE_S))[1:].tolist()
        parts = [replace(first, ends=False)]
        parts += [
            replace(part, begins=False, ends=False) for part in self._stretches(starts, _PIECE_S, every_s)
        ]
        self.notes[
            f"only {len(parts) * _PIECE_S:.0f} s of this video were looked at, spread over its length"
        ] = None
        return parts

    def look(self, times: Sequence[float]) -> list[ScoredFrame]:
        """The frames at these times, without those that are empty."""
        return [scored for frames in self._frames_at(times) for scored in self._score(frames)]

    def bring_files(self, times: Sequence[float], file_format: Literal["JPEG", "PNG"]) -> dict[float, bytes]:
        """The frames at these times at full size, by their time to a ten-thousandth."""
        frames = self._frames_at(times, file_format=file_format, preprocess=None)
        return {round(frame.time_s, 4): frame.file for some in frames for frame in some}

    def _begin(self, stop_s: float, every_s: float) -> Footage:
        answer = self.pool.submit(self._stretch(0.0, stop_s, every_s)).result()
        if answer.error is not None:
            raise answer.error
        assert isinstance(answer, DecodedVideo)
        if not len(answer.time_F):
            reason = "this video holds no picture that can be decoded"
            raise PhotoDamaged(self.job.display_name, reason, "copy it again from the camera")
        self.first = replace(answer, frames=())
        return self._take(answer)

    def _stretches(self, starts: Sequence[float], length_s: float, every_s: float) -> Iterator[Footage]:
        """Those that can be read; a video that does not say how long it is may end before the last of them."""
        jobs = ((start, self._stretch(start, start + length_s, every_s)) for start in starts)
        for _, part in self.pool.in_order(jobs):
            if part.error is not None:
                self.notes[f"part of it cannot be read: {part.error.reason}"] = None
            elif isinstance(part, DecodedVideo) and len(part.time_F):
                yield self._take(part)
            elif self.duration_s is None:
                return

    def _stretch(self, start_s: float, stop_s: float, every_s: float) -> VideoJob:
        return replace(self.job, start_s=start_s, stop_s=stop_s, signatures=True, every_s=every_s)

    def _frames_at(self, times: Sequence[float], **changes: Any) -> Iterator[tuple[Frame, ...]]:
        jobs = []
        for start in range(0, len(times), _FILES_AT_ONCE):
            some = tuple(times[start : start + _FILES_AT_ONCE])
            jobs.append((start, replace(self.job, times=some, start_s=max(0.0, some[0] - 1e-3), **changes)))
        for _, part in self.pool.in_order(jobs):
            if isinstance(part, DecodedVideo):
                yield part.frames

    def _take(self, part: DecodedVideo) -> Footage:
        self.skipped += part.skipped
        self.notes |= dict.fromkeys(part.notes)
        frames = tuple(self._score(part.frames))
        return Footage(part.time_F, part.signature_FHW3, part.histogram_FK, frames)

    def _score(self, frames: Sequence[Frame]) -> Iterator[ScoredFrame]:
        usable = [frame for frame in frames if not _is_empty(frame)]
        for start in range(0, len(usable), BATCH):
            some = usable[start : start + BATCH]
            prepared = [frame.prepared for frame in some if frame.prepared is not None]
            names = [f"{frame.time_s:.3f} s" for frame in some]
            records = self.scorer.score_prepared(names, prepared, regions=self.regions)
            for frame, record in zip(some, records, strict=True):
                if isinstance(record, ScoredPhoto):
                    yield ScoredFrame(frame.time_s, frame.measurement, record)

    def _pixels_per_second(self, footage: Footage) -> float:
        time_F, pixels = footage.time_F, (self.first.width or 1) * (self.first.height or 1)
        span_s = float(time_F[-1] - time_F[0])
        return pixels * (len(time_F) - 1) / span_s if span_s > 0 else pixels


def _join(parts: Sequence[Footage]) -> Footage:
    """Stretches as one, in order of time."""
    return Footage(
        time_F=np.concatenate([part.time_F for part in parts]),
        signature_FHW3=np.concatenate([part.signature_FHW3 for part in parts]),
        histogram_FK=np.concatenate([part.histogram_FK for part in parts]),
        frames=tuple(frame for part in parts for frame in part.frames),
    )


def _is_empty(frame: Frame) -> bool:
    """Black, white, or of one colour."""
    grey = np.frombuffer(frame.measurement.thumbnail, np.uint8)
    mean, spread = float(grey.mean()), float(grey.std())
    return mean < _DARK or spread < _FLAT or (mean > _BRIGHT and spread < 2 * _FLAT)
