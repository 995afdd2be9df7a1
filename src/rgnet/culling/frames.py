"""The best frame of each shot of a video, and of those the ones that differ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from rgnet.culling.picks import TOO_CLOSE
from rgnet.culling.shot_boundaries import Shot, find_shots
from rgnet.culling.video_reading import CHUNK_S, LONGEST_S, Footage, ScoredFrame, Track, VideoReading
from rgnet.imaging.workers import DecodePool
from rgnet.results import ScoredPhoto
from rgnet.scorer import Scorer

# A job decodes a minute of video, at its slowest on one busy core
_SECONDS = 600.0
# Nearer to the end of a shot than this, frames may hold a rest of the next one
_MARGIN_S = 0.09
# As near to an end at which the video goes on, a dissolve may not have been seen
_UNKNOWN_S = 1.6
# Of the sharpest frame of its shot
_BLURRED = 0.4
# Bits of the perceptual hash in which frames differ that look different
DIFFERENT = 18

# (start, end) of a shot in seconds
Span = tuple[float, float]


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
    return DecodePool(seconds=_SECONDS, attempts=1)


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
    reading = VideoReading(video, scorer, pool)
    footage = reading.read(1 / per_second, track)
    shots, found = choose_frames(footage, reading)
    chosen = found if count is None else _choose_different(found, count)
    if file_format is not None:
        files = reading.bring_files([best.time_s for best in chosen], file_format)
        whole = [
            replace(best, file=files[time]) for best in chosen if (time := round(best.time_s, 4)) in files
        ]
        if lost := len(chosen) - len(whole):
            reading.notes[f"{lost} of the chosen frames could not be read again at full size"] = None
        chosen = whole
    seen_s = float(footage.time_F[-1])
    notes = (*reading.notes, *_describe(reading, seen_s, len(shots) - len(found)))
    return VideoFrames(len(shots), seen_s, tuple(chosen), notes)


def choose_frames(footage: Footage, reading: VideoReading) -> tuple[list[Span], list[BestFrame]]:
    """The shots, and the best frame of each that has a usable one."""
    shots = [
        _span(footage, shot)
        for shot in find_shots(footage.time_F, footage.signature_FHW3, footage.histogram_FK)
    ]
    if not footage.begins:
        shots = [(max(start_s, footage.time_F[0] + _UNKNOWN_S), end_s) for start_s, end_s in shots]
    if not footage.ends:
        shots = [(start_s, min(end_s, footage.time_F[-1] - _UNKNOWN_S)) for start_s, end_s in shots]
    shots = [span for span in shots if span[0] <= span[1]]
    frames = _add_missed_shots(footage, reading, shots)
    chosen = (_choose(number, span, frames) for number, span in enumerate(shots, 1))
    return shots, [best for best in chosen if best is not None]


def _add_missed_shots(footage: Footage, reading: VideoReading, shots: Sequence[Span]) -> list[ScoredFrame]:
    """The frames looked at, with the middle of each shot that the grid of time has missed."""
    missed = [
        (start_s + end_s) / 2
        for start_s, end_s in shots
        if not any(_is_inside(frame.time_s, start_s, end_s) for frame in footage.frames)
    ]
    return sorted([*footage.frames, *reading.look(missed)], key=lambda frame: frame.time_s)


def _span(footage: Footage, shot: Shot) -> Span:
    return float(footage.time_F[shot.first]), float(footage.time_F[shot.last])


def _is_inside(time_s: float, start_s: float, end_s: float) -> bool:
    margin = min(_MARGIN_S, (end_s - start_s) / 4)
    return start_s + margin <= time_s <= end_s - margin


def _choose(number: int, span: Span, frames: Sequence[ScoredFrame]) -> BestFrame | None:
    """The best frame of a shot; None where none is usable."""
    inside = [frame for frame in frames if _is_inside(frame.time_s, *span)]
    sharpest = max(map(_sharpness, inside), default=0.0)
    usable = [frame for frame in inside if _sharpness(frame) >= _BLURRED * sharpest]
    if not usable:
        return None
    highest = max(frame.record.score for frame in usable)
    close = [frame for frame in usable if frame.record.score > highest - TOO_CLOSE]
    frame = max(close, key=lambda frame: (_sharpness(frame), -frame.time_s))
    reasons = _give_reasons(frame.record.score, highest, len(inside), len(inside) - len(usable))
    return BestFrame(number, *span, frame.time_s, frame.record, reasons, frame.measurement.hash)


def _sharpness(frame: ScoredFrame) -> float:
    """Of the sharpest tile."""
    return float(np.frombuffer(frame.measurement.sharpness, np.float16).max())


def _give_reasons(score: float, highest: float, looked: int, blurred: int) -> tuple[str, ...]:
    if looked == 1:
        return ("the only usable frame that was looked at",)
    first = f"the highest score of {looked} frames"
    if score < highest:
        first = f"as good as the highest score of {looked} frames ({highest:.2f}), and sharper"
    return (first, *((f"{blurred} blurred frames left out",) if blurred else ()))


def _choose_different(found: Sequence[BestFrame], count: int) -> list[BestFrame]:
    """At most `count` frames of different looks, the best ones, in order of time."""
    kept: list[BestFrame] = []
    for best in sorted(found, key=lambda best: -best.score.score):
        if len(kept) < count and all((best.hash ^ other.hash).bit_count() >= DIFFERENT for other in kept):
            kept.append(best)
    return sorted(kept, key=lambda best: best.time_s)


def describe_damage(reading: VideoReading, seen_s: float) -> Iterator[str]:
    """In words. seen_s: where the last frame stood that could be read"""
    if reading.skipped:
        yield f"{reading.skipped} damaged packets skipped"
    stated_s = reading.duration_s
    if stated_s is not None and seen_s < stated_s - max(1.0, 0.02 * stated_s):
        yield f"this video is cut off: {seen_s:.1f} s of {stated_s:.1f} s can be read"


def _describe(reading: VideoReading, seen_s: float, unusable: int) -> Iterator[str]:
    if (reading.duration_s or LONGEST_S) > LONGEST_S or seen_s > LONGEST_S - CHUNK_S:
        yield f"only the first {LONGEST_S / 3600:g} hours were looked at"
    else:
        yield from describe_damage(reading, seen_s)
    if unusable:
        yield f"{unusable} shots without a usable frame (black, white, of one colour, or too short)"


def time_code(seconds: float) -> str:
    """ "00-01-23.480": hours, minutes and seconds, for a file's name."""
    thousandths = math.floor(seconds * 1000 + 0.5)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02d}-{minutes % 60:02d}-{rest // 1000:02d}.{rest % 1000:03d}"
