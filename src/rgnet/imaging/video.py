"""Frames of a video: what tells shots apart, of every frame; what a model is fed, of some; files, of a few.

Runs in a process of `DecodePool`: PyAV (FFmpeg) may crash on damaged files.

Shape letters: F frames · H, W a signature's pixels · K histogram bins
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any, Literal, NamedTuple

import numpy as np
from PIL import Image

from rgnet.imaging.decode import Photo
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob
from rgnet.imaging.measure import Measurement, measure
from rgnet.imaging.prepare import Prepared, to_prepared
from rgnet.imaging.video_file import (
    SAME_S,
    Clock,
    Reader,
    describe_colours,
    open_video,
    read_capture_facts,
    stated_duration,
    upright,
)

SIGNATURE_HW = (9, 16)
_HISTOGRAM_HW, _LEVELS = (36, 64), 16
_QUALITY = 95


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoJob(DecodeJob):
    """A stretch of a video. `source` is a path; with a `preprocess`, what is looked at is prepared for that model.

    start_s, stop_s: of the stretch, in seconds from the first frame
    every_s:  looks at the first frame at or after each multiple of this; None: only at `times`
    times:    looks at the first frame at or after each of these
    signatures: also what tells shots apart, of every frame
    file_format: what frames that are looked at are written as, at full size; None: not at all
    """

    start_s: float = 0.0
    stop_s: float = math.inf
    every_s: float | None = None
    times: tuple[float, ...] = ()
    signatures: bool = False
    file_format: Literal["JPEG", "PNG"] | None = None

    def run(self) -> DecodedPhoto:
        return read_video(self)


class Frame(NamedTuple):
    """One frame that was looked at, upright, with square pixels.

    time_s: from the first frame of the video
    file:   the frame at full size as a file, where the job asked for it
    """

    time_s: float
    measurement: Measurement
    prepared: Prepared | None
    file: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedVideo(DecodedPhoto):
    """A stretch of a video; `width` and `height` are those of upright frames with square pixels.

    duration_s: that the file states for the whole video; None where it does not
    time_F:     seconds from the first frame, of every frame of the stretch; empty without `signatures`
    signature_FHW3: uint8, the frame at SIGNATURE_HW
    histogram_FK:   float16, share of the pixels in each level of red, green and blue; each colour's sum to 1
    frames:     those that were looked at
    skipped:    packets that could not be decoded
    """

    duration_s: float | None = None
    time_F: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False)
    signature_FHW3: np.ndarray = field(
        default_factory=lambda: np.zeros((0, *SIGNATURE_HW, 3), np.uint8), repr=False
    )
    histogram_FK: np.ndarray = field(
        default_factory=lambda: np.zeros((0, 3 * _LEVELS), np.float16), repr=False
    )
    frames: tuple[Frame, ...] = field(default=(), repr=False)
    skipped: int = 0


def read_video(job: VideoJob) -> DecodedVideo:
    """Decode a stretch of a video once, from start to end. Raises PhotoError where nothing of it can be read."""
    assert isinstance(job.source, str)
    with open_video(job.source, job.display_name) as (container, stream):
        return _read(container, stream, job)


def _read(container: Any, stream: Any, job: VideoJob) -> DecodedVideo:
    clock, wanted = Clock(stream), _Wanted(job)
    reader = Reader(container, stream)
    if job.start_s > 0:
        container.seek(clock.ticks(job.start_s), stream=stream, backward=True)
    times, signatures, histograms, looked = [], [], [], []
    size, notes = (0, 0), dict.fromkeys(describe_colours(stream))
    for frame in reader.frames():
        time_s = clock.seconds(frame)
        if time_s >= job.stop_s:
            break
        if time_s < job.start_s:
            continue
        if job.signatures:
            times.append(time_s)
            signatures.append(_small(frame, SIGNATURE_HW))
            histograms.append(_histogram(_small(frame, _HISTOGRAM_HW)))
        if wanted(time_s):
            if frame.interlaced_frame:
                notes["interlaced video: where a frame holds two moments, one of them is kept"] = None
            image = upright(frame, stream)
            size = image.size
            looked.append(_look(image, time_s, job))
        if wanted.is_done and not job.signatures:
            break
    taken, camera = read_capture_facts(container.metadata)
    answer = DecodedVideo(
        taken=taken,
        camera=camera,
        width=size[0] or None,
        height=size[1] or None,
        duration_s=stated_duration(container, stream),
        frames=tuple(looked),
        skipped=reader.skipped,
        notes=tuple(notes),
    )
    if not times:
        return answer
    return replace(
        answer,
        time_F=np.array(times),
        signature_FHW3=np.stack(signatures),
        histogram_FK=np.stack(histograms).astype(np.float16),
    )


class _Wanted:
    """Says of frames in order of time whether a job looks at them.

    is_done: no later frame is wanted
    """

    def __init__(self, job: VideoJob) -> None:
        self.every_s = job.every_s
        self.times = sorted(job.times, reverse=True)
        self.next_s = 0.0 if job.every_s is None else math.ceil(job.start_s / job.every_s) * job.every_s

    @property
    def is_done(self) -> bool:
        return self.every_s is None and not self.times

    def __call__(self, time_s: float) -> bool:
        hit = False
        while self.times and self.times[-1] <= time_s + SAME_S:
            self.times.pop()
            hit = True
        if self.every_s is not None and time_s + SAME_S >= self.next_s:
            self.next_s = (math.floor(time_s / self.every_s + SAME_S) + 1) * self.every_s
            hit = True
        return hit


def _small(frame: Any, shape_HW: tuple[int, int]) -> np.ndarray:
    height, width = shape_HW
    return frame.reformat(width=width, height=height, format="rgb24", interpolation="AREA").to_ndarray()


def _histogram(pixels_HW3: np.ndarray) -> np.ndarray:
    """(K,) share of the pixels in each level of red, then green, then blue."""
    level_HW3 = pixels_HW3 // (256 // _LEVELS) + np.arange(3, dtype=np.uint8) * _LEVELS
    count_K = np.bincount(level_HW3.ravel(), minlength=3 * _LEVELS)
    return count_K / (pixels_HW3.shape[0] * pixels_HW3.shape[1])


def _look(image: Image.Image, time_s: float, job: VideoJob) -> Frame:
    prepared = None
    if job.preprocess is not None:
        prepared = to_prepared(Photo(image, image.width, image.height), job.preprocess)
    file = BytesIO()
    if job.file_format is not None:
        image.save(file, job.file_format, **({"quality": _QUALITY} if job.file_format == "JPEG" else {}))
    return Frame(time_s, measure(image), prepared, file.getvalue())
