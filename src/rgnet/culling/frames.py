"""The best frame of each shot of a video, and of those the ones that differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from rgnet.culling.picks import TOO_CLOSE
from rgnet.culling.shot_boundaries import Shot, find_shots
from rgnet.errors import PhotoDamaged
from rgnet.imaging.video import DecodedVideo, Frame, VideoJob, read_video
from rgnet.imaging.workers import DecodePool
from rgnet.results import ScoredPhoto
from rgnet.scorer import BATCH, Scorer

# Of a stretch that one job decodes, and of a video altogether
CHUNK_S, LONGEST_S = 60.0, 3 * 3600.0
# A job decodes a minute of video, at its slowest on one busy core
_SECONDS = 600.0
_FILES_AT_ONCE = 4
# Nearer to the end of a shot than this, frames may hold a rest of the next one
_MARGIN_S = 0.09
_DARK, _BRIGHT, _FLAT = 16.0, 239.0, 5.0
# Of the sharpest frame of its shot
_BLURRED = 0.4
# Bits of the perceptual hash in which frames differ that look different
DIFFERENT = 18

# What progress of long work is shown by, such as `rgnet.cli.progress.track`
Track = Callable[..., Iterable[Any]]


@dataclass(frozen=True, slots=True)
class BestFrame:
    """The frame that stands for a shot.

    shot:    counted from 1; start_s, end_s: of its first and its last frame, in seconds
    time_s:  of the frame
    reasons: why this one, in words
    file:    the frame at full size, once it was asked for
    """

    shot: int
    start_s: float
    end_s: float
    time_s: float
    score: ScoredPhoto
    reasons: tuple[str, ...]
    hash: int
    file: bytes = b""


@dataclass(frozen=True, slots=True)
class VideoFrames:
    """What was found in a video.

    shots:  all of them; frames: of those that have a usable one, in order of time
    notes:  what had to be worked around
    """

    shots: int
    duration_s: float
    frames: tuple[BestFrame, ...]
    notes: tuple[str, ...]


def open_video_pool() -> DecodePool:
    """Processes that decode videos. A damaged one is not tried twice: a minute of it may take minutes."""
    return DecodePool(decode=read_video, seconds=_SECONDS, attempts=1)


def best_frames(
    video: str,
    scorer: Scorer,
    *,
    per_second: float = 2.0,
    count: int | None = None,
    file_format: Literal["JPEG", "PNG"] | None = None,
    pool: DecodePool | None = None,
    track: Track = lambda items, **_: items,
) -> VideoFrames:
    """The best frame of every shot: sharp, neither black, white nor in a transition, with the highest score.

    per_second:  frames that are looked at
    count:       only so many, of different looks, the best ones; default: one of every shot
    file_format: also bring these frames at full size
    pool:        of `open_video_pool`; default: a new one
    Raises PhotoError where nothing of the video can be read.
    """
    if pool is None:
        with open_video_pool() as pool:
            return best_frames(
                video,
                scorer,
                per_second=per_second,
                count=count,
                file_format=file_format,
                pool=pool,
                track=track,
            )
    reading = _Reading(video, scorer, pool)
    survey = reading.survey(1 / per_second, track)
    if not len(survey.time_F):
        raise PhotoDamaged(
            video, "this video holds no picture that can be decoded", "copy it again from the camera"
        )
    shots = find_shots(survey.time_F, survey.signature_FHW3, survey.histogram_FK)
    frames = reading.with_every_shot(survey, shots)
    found = [
        best
        for number, shot in enumerate(shots, 1)
        if (best := _choose(number, _span(survey, shot), frames, scorer)) is not None
    ]
    chosen = found if count is None else _different(found, count)
    if file_format is not None:
        chosen = reading.with_files(chosen, file_format)
    notes = (*survey.notes, *_describe(survey, len(shots) - len(found), reading.stopped_early))
    return VideoFrames(len(shots), float(survey.time_F[-1]), tuple(chosen), notes)


class _Reading:
    """One video, decoded in stretches."""

    def __init__(self, video: str, scorer: Scorer, pool: DecodePool) -> None:
        self.job = VideoJob(source=video, preprocess=scorer.preprocess)
        self.pool = pool
        self.stopped_early = False

    def survey(self, every_s: float, track: Track) -> DecodedVideo:
        """Signatures of every frame, and the frames on a grid of time."""
        first = self._run(replace(self.job, stop_s=CHUNK_S, signatures=True, every_s=every_s))
        stated = first.duration_s or LONGEST_S
        self.stopped_early = stated > LONGEST_S
        starts = np.arange(CHUNK_S, min(stated, LONGEST_S), CHUNK_S).tolist() if len(first.time_F) else []
        jobs = [
            (
                start,
                replace(self.job, start_s=start, stop_s=start + CHUNK_S, signatures=True, every_s=every_s),
            )
            for start in starts
        ]
        parts = [first]
        for _, part in track(self.pool.in_order(jobs), total=len(jobs), description="reading"):
            if part.error is not None:
                parts.append(DecodedVideo(notes=(f"part of it cannot be read: {part.error.reason}",)))
                continue
            parts.append(part)
            if first.duration_s is None and not len(part.time_F):
                break  # a stream that does not say how long it is has ended
        return _joined(parts)

    def with_every_shot(self, survey: DecodedVideo, shots: Sequence[Shot]) -> list[Frame]:
        """The frames looked at, with the middle of each shot that the grid of time has missed."""
        missed = []
        for start_s, end_s in (_span(survey, shot) for shot in shots):
            if not any(_is_inside(frame.time_s, start_s, end_s) for frame in survey.frames):
                missed.append((start_s + end_s) / 2)
        return sorted([*survey.frames, *self._look(missed)], key=lambda frame: frame.time_s)

    def with_files(self, chosen: Sequence[BestFrame], file_format: Literal["JPEG", "PNG"]) -> list[BestFrame]:
        looked = self._look([best.time_s for best in chosen], file_format=file_format, preprocess=None)
        files = {round(frame.time_s, 4): frame.file for frame in looked}
        return [replace(best, file=files.get(round(best.time_s, 4), b"")) for best in chosen]

    def _look(self, times: Sequence[float], **changes: Any) -> Iterator[Frame]:
        jobs = []
        for start in range(0, len(times), _FILES_AT_ONCE):
            some = tuple(times[start : start + _FILES_AT_ONCE])
            jobs.append((start, replace(self.job, times=some, start_s=max(0.0, some[0] - 1e-3), **changes)))
        for _, part in self.pool.in_order(jobs):
            if isinstance(part, DecodedVideo):
                yield from part.frames

    def _run(self, job: VideoJob) -> DecodedVideo:
        answer = self.pool.submit(job).result()
        if answer.error is not None:
            raise answer.error
        assert isinstance(answer, DecodedVideo)
        return answer


def _joined(parts: Sequence[DecodedVideo]) -> DecodedVideo:
    """Stretches as one, in order of time."""
    return replace(
        parts[0],
        time_F=np.concatenate([part.time_F for part in parts]),
        signature_FHW3=np.concatenate([part.signature_FHW3 for part in parts]),
        histogram_FK=np.concatenate([part.histogram_FK for part in parts]),
        frames=tuple(frame for part in parts for frame in part.frames),
        skipped=sum(part.skipped for part in parts),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def _span(survey: DecodedVideo, shot: Shot) -> tuple[float, float]:
    """(start, end) in seconds"""
    return float(survey.time_F[shot.first]), float(survey.time_F[shot.last])


def _is_inside(time_s: float, start_s: float, end_s: float) -> bool:
    margin = min(_MARGIN_S, (end_s - start_s) / 4)
    return start_s + margin <= time_s <= end_s - margin


def _choose(
    number: int, span: tuple[float, float], frames: Sequence[Frame], scorer: Scorer
) -> BestFrame | None:
    """The best frame of a shot; None where none is usable."""
    inside = [frame for frame in frames if _is_inside(frame.time_s, *span) and not _is_empty(frame)]
    sharpest = max(map(_sharpness, inside), default=0.0)
    usable = [frame for frame in inside if _sharpness(frame) >= _BLURRED * sharpest]
    if not usable:
        return None
    records = _score(usable, scorer)
    highest = max(record.score for record in records)
    close = [index for index, record in enumerate(records) if record.score > highest - TOO_CLOSE]
    best = max(close, key=lambda index: (_sharpness(usable[index]), -usable[index].time_s))
    reasons = _reasons(records[best].score, highest, len(inside), len(inside) - len(usable))
    frame = usable[best]
    return BestFrame(number, *span, frame.time_s, records[best], reasons, frame.measurement.hash)


def _score(frames: Sequence[Frame], scorer: Scorer) -> list[ScoredPhoto]:
    records: list[ScoredPhoto] = []
    for start in range(0, len(frames), BATCH):
        some = frames[start : start + BATCH]
        prepared = [frame.prepared for frame in some if frame.prepared is not None]
        scored = scorer.score_prepared([f"{frame.time_s:.3f} s" for frame in some], prepared)
        records += [record for record in scored if isinstance(record, ScoredPhoto)]
    return records


def _sharpness(frame: Frame) -> float:
    """Of the sharpest tile."""
    return float(np.frombuffer(frame.measurement.sharpness, np.float16).max())


def _is_empty(frame: Frame) -> bool:
    """Black, white, or of one colour."""
    grey = np.frombuffer(frame.measurement.thumbnail, np.uint8)
    mean, spread = float(grey.mean()), float(grey.std())
    return mean < _DARK or spread < _FLAT or (mean > _BRIGHT and spread < 2 * _FLAT)


def _reasons(score: float, highest: float, looked: int, blurred: int) -> tuple[str, ...]:
    if looked == 1:
        return ("the only usable frame that was looked at",)
    first = f"the highest score of {looked} frames"
    if score < highest:
        first = f"as good as the highest score of {looked} frames ({highest:.2f}), and sharper"
    return (first, *((f"{blurred} blurred frames left out",) if blurred else ()))


def _different(found: Sequence[BestFrame], count: int) -> list[BestFrame]:
    """At most `count` frames of different looks, the best ones, in order of time."""
    kept: list[BestFrame] = []
    for best in sorted(found, key=lambda best: -best.score.score):
        if len(kept) < count and all((best.hash ^ other.hash).bit_count() >= DIFFERENT for other in kept):
            kept.append(best)
    return sorted(kept, key=lambda best: best.time_s)


def _describe(survey: DecodedVideo, unusable: int, stopped_early: bool) -> Iterator[str]:
    if survey.skipped:
        yield f"{survey.skipped} damaged packets skipped"
    seen, stated = float(survey.time_F[-1]), survey.duration_s
    if stopped_early:
        yield f"only the first {LONGEST_S / 3600:g} hours were looked at"
    elif stated is not None and seen < stated - max(1.0, 0.02 * stated):
        yield f"this video is cut: it states {stated:.1f} s and holds {seen:.1f} s"
    if unusable:
        yield f"{unusable} shots without a usable frame (black, white, of one colour, or too short)"


def time_code(seconds: float) -> str:
    """ "00-01-23.480": hours, minutes and seconds, for a file's name."""
    thousandths = math.floor(seconds * 1000 + 0.5)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02d}-{minutes % 60:02d}-{rest // 1000:02d}.{rest % 1000:03d}"
