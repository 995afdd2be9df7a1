"""A video file opened, its frames in order with their times, upright and with square pixels.

Only files of the formats in _CONTAINERS are opened: others may name further files or addresses to be read. PyAV
(FFmpeg) may crash on damaged files: this runs in processes of `DecodePool`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.util import find_spec
from typing import Any

import numpy as np
from PIL import Image

from rgnet.errors import PhotoDamaged, PhotoUnsupported, need, video_missing
from rgnet.imaging.coding import code_video, describe_hdr
from rgnet.imaging.files import open_photo
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.transfer import ColorCoding, convert_pixels

_CONTAINERS = "mov,matroska,avi,mpegts,mpeg,asf,flv,ogg,dv,mxf"
# Seconds: between times that are the same, and from which a seek comes before a frame whatever is rounded
SAME_S, _EARLIER_S = 1e-6, 1e-3
# Cameras without a clock begin in 1904 or 1970
_NO_CLOCK = 1990
_HINT = "copy it again from the camera"
# Of frame.colorspace
_UNSPECIFIED, _BT_2020 = 2, 9
_TURNS = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}


def is_installed() -> bool:
    """Whether the extra that reads videos is there; nothing is loaded."""
    return find_spec("av") is not None


@contextmanager
def open_video(path: str, name: str) -> Iterator[tuple[Any, Any]]:
    """(container, stream). Raises PhotoError, also for what goes wrong until it is closed."""
    if not is_installed():
        raise video_missing(name)
    av = need("av", extra="video", purpose="reading videos")
    # A pipe would hold the decoder, and an address is not opened
    open_photo(path, DecodePolicy(max_bytes=sys.maxsize)).close()
    try:
        options = {"format_whitelist": _CONTAINERS}
        with av.open(f"file:{path}", options=options, metadata_errors="replace") as container:
            if not container.streams.video:
                raise PhotoUnsupported(name, "this file has no moving pictures", "give a video")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise PhotoDamaged(name, "this video does not say how it is coded", _HINT)
            stream.codec_context.thread_count = 1  # the pool's processes share the cores
            yield container, stream
    except (av.FFmpegError, OSError) as problem:
        reason = str(getattr(problem, "strerror", None) or problem)
        raise PhotoDamaged(name, f"this video cannot be read ({reason})", _HINT) from problem


def read_frame(path: str, time_s: float, *, name: str = "") -> Image.Image:
    """The first frame at or after a time, upright, with square pixels. Raises PhotoError."""
    with open_video(path, name or path) as (container, stream):
        # Where damage hides the frame behind a key frame, it is met on the way from the start
        for start_s in (max(0.0, time_s - _EARLIER_S), 0.0):
            clock = Clock(stream)
            container.seek(clock.ticks(start_s), stream=stream, backward=True)
            for frame in Reader(container, stream).frames():
                if clock.seconds(frame) >= time_s - SAME_S:
                    return upright(frame, stream)
    raise PhotoDamaged(name or path, f"this video has no frame at {time_s:.3f} s", "scan its folder again")


def stated_duration(container: Any, stream: Any) -> float | None:
    """Seconds that the file states for its pictures, else for all that is in it; None where it does not."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else None


class Reader:
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


class Clock:
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


def upright(frame: Any, stream: Any) -> Image.Image:
    """The frame as it is meant to be seen: in sRGB, with square pixels, turned as the file says."""
    image = _to_srgb(frame, _coding(stream))
    if _is_combed(frame, image):
        image = _interpolate_lines(image)
    aspect = stream.sample_aspect_ratio
    if aspect and aspect != 1:
        image = image.resize((max(1, round(image.width * float(aspect))), image.height))
    turn = _TURNS.get(round(frame.rotation / 90) * 90 % 360)
    return image if turn is None else image.transpose(turn)


def _to_srgb(frame: Any, coding: ColorCoding | None) -> Image.Image:
    is_silent = frame.colorspace == _UNSPECIFIED
    if coding is None:
        # Pictures of this size that do not say how they are coded are so
        is_hd = is_silent and (frame.width >= 1280 or frame.height > 576)
        image: Image.Image = frame.to_image(**({"src_colorspace": "ITU709"} if is_hd else {}))
        return image
    matrix = {"src_colorspace": _BT_2020} if is_silent else {}
    return convert_pixels(frame.to_ndarray(format="rgb48le", **matrix), coding)


def _coding(stream: Any) -> ColorCoding | None:
    context = stream.codec_context
    return code_video(getattr(context, "color_primaries", None), getattr(context, "color_trc", None))


def _is_combed(frame: Any, image: Image.Image) -> bool:
    """Whether an interlaced frame holds two moments: its lines are then more like every other than like the next."""
    if not frame.interlaced_frame:
        return False
    pixels_HW = np.asarray(image.convert("L"), np.int16)
    return bool(np.abs(np.diff(pixels_HW, axis=0)).mean() > np.abs(pixels_HW[2:] - pixels_HW[:-2]).mean())


def _interpolate_lines(image: Image.Image) -> Image.Image:
    """The lines of one moment, with those between them as their means."""
    pixels_HW3 = np.array(image)
    above_HW3, below_HW3 = pixels_HW3[:-2:2].astype(np.uint16), pixels_HW3[2::2]
    pixels_HW3[1:-1:2] = (above_HW3 + below_HW3) // 2
    return Image.fromarray(pixels_HW3)


def describe_colours(stream: Any) -> Iterator[str]:
    yield from describe_hdr(_coding(stream))


def read_capture_facts(metadata: Mapping[str, str]) -> tuple[str | None, str | None]:
    """(taken, camera). Phones and cameras state the time in UTC, Apple also by the camera's clock."""
    taken = None
    for key in ("com.apple.quicktime.creationdate", "creation_time"):
        with suppress(KeyError, ValueError, OverflowError, OSError):
            moment = datetime.fromisoformat(metadata[key])
            moment = moment if key.startswith("com.apple") or moment.tzinfo is None else moment.astimezone()
            if moment.year >= _NO_CLOCK:
                taken = moment.strftime("%Y-%m-%dT%H:%M:%S")
                break
    named = (metadata.get(f"com.apple.quicktime.{what}", "") for what in ("make", "model"))
    return taken, " ".join(filter(None, named)) or None
