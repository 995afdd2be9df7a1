"""Frames of a video: what tells shots apart, of every frame; what a model is fed, of some; files, of a few.

Runs in a process of `DecodePool`, as `DecodePool(decode=read_video)`: PyAV (FFmpeg) may crash on damaged files.

Shape letters: F frames · H, W a signature's pixels · K histogram bins
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any, Literal, NamedTuple

import numpy as np
from PIL import Image

from rgnet.errors import PhotoDamaged, PhotoUnsupported, need
from rgnet.imaging.decode import Photo
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob
from rgnet.imaging.measure import Measurement, measure
from rgnet.imaging.prepare import Prepared, to_prepared

SIGNATURE_HW = (9, 16)
_HISTOGRAM_HW, _LEVELS = (36, 64), 16
_QUALITY = 95
_HDR = {16: "PQ", 18: "HLG"}
_TURNS = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}


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


def read_video(job: DecodeJob) -> DecodedPhoto:
    """Decode a stretch of a video once, from start to end. Raises PhotoError where nothing of it can be read."""
    assert isinstance(job, VideoJob) and isinstance(job.source, str)
    av = need("av", extra="video", purpose="reading videos")
    try:
        with av.open(job.source, mode="r") as container:
            if not container.streams.video:
                raise PhotoUnsupported(job.display_name, "this file has no moving pictures", "give a video")
            return _read(container, container.streams.video[0], job)
    except FileNotFoundError:
        raise PhotoDamaged(job.display_name, "there is no such video", "check its name") from None
    except (av.FFmpegError, OSError) as problem:
        raise PhotoDamaged(
            job.display_name, f"this video cannot be read ({problem})", "copy it again from the camera"
        ) from problem


def _read(container: Any, stream: Any, job: VideoJob) -> DecodedVideo:
    stream.codec_context.thread_count = 1  # the pool's processes share the cores
    clock, wanted = _Clock(stream), _Wanted(job)
    reader = _Reader(container, stream)
    if job.start_s > 0:
        container.seek(clock.ticks(job.start_s), stream=stream, backward=True)
    times, signatures, histograms, looked = [], [], [], []
    size, notes = (0, 0), dict.fromkeys(_colour_notes(stream))
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
            image = _upright(frame, stream)
            size = image.size
            looked.append(_look(image, time_s, job))
        if wanted.is_done and not job.signatures:
            break
    stated = container.duration
    answer = DecodedVideo(
        width=size[0] or None,
        height=size[1] or None,
        duration_s=None if stated is None else stated / 1e6,
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


class _Reader:
    """skipped: packets so far that could not be decoded, and frames that the decoder calls corrupt."""

    def __init__(self, container: Any, stream: Any) -> None:
        self.container, self.stream, self.skipped = container, stream, 0

    def frames(self) -> Iterator[Any]:
        av = need("av", extra="video", purpose="reading videos")
        packets = self.container.demux(self.stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError:  # the rest of the file is missing
                self.skipped += 1
                return
            try:
                decoded = packet.decode()
            except av.FFmpegError:
                self.skipped += 1
                continue
            for frame in decoded:
                if frame.is_corrupt:
                    self.skipped += 1
                else:
                    yield frame


class _Clock:
    """Seconds from a stream's first frame; a frame without a time stamp follows the one before it."""

    def __init__(self, stream: Any) -> None:
        self.base = stream.time_base
        self.start = stream.start_time or 0
        self.step = float(1 / (stream.average_rate or 25))
        self.last = -self.step

    def ticks(self, seconds: float) -> int:
        return int(seconds / self.base) + self.start

    def seconds(self, frame: Any) -> float:
        stamped = frame.pts is not None
        self.last = float((frame.pts - self.start) * self.base) if stamped else self.last + self.step
        return self.last


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
        while self.times and self.times[-1] <= time_s + 1e-6:
            self.times.pop()
            hit = True
        if self.every_s is not None and time_s + 1e-6 >= self.next_s:
            self.next_s = (math.floor(time_s / self.every_s + 1e-6) + 1) * self.every_s
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


def _upright(frame: Any, stream: Any) -> Image.Image:
    """The frame as it is meant to be seen: with square pixels, turned as the file says."""
    image: Image.Image = frame.to_image()
    aspect = stream.sample_aspect_ratio
    if aspect and aspect != 1:
        image = image.resize((max(1, round(image.width * float(aspect))), image.height))
    turn = _TURNS.get(round(frame.rotation / 90) * 90 % 360)
    return image if turn is None else image.transpose(turn)


def _look(image: Image.Image, time_s: float, job: VideoJob) -> Frame:
    prepared = None
    if job.preprocess is not None:
        prepared = to_prepared(Photo(image, image.width, image.height), job.preprocess)
    file = BytesIO()
    if job.file_format is not None:
        image.save(file, job.file_format, **({"quality": _QUALITY} if job.file_format == "JPEG" else {}))
    return Frame(time_s, measure(image), prepared, file.getvalue())


def _colour_notes(stream: Any) -> Iterator[str]:
    transfer = getattr(stream.codec_context, "color_trc", None)
    if transfer in _HDR:
        yield f"HDR video ({_HDR[transfer]}): its frames are not tone-mapped and look pale"
