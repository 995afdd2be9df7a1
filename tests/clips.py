"""Clips built for the tests of videos: scenes that move, joined by cuts and dissolves."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

RATE = 25
SIZE = (192, 108)


def scene(seed: int) -> np.ndarray:
    """(H, W, 3) with colours of its own, detail everywhere, and room to pan."""
    draw = np.random.default_rng(seed)
    hue = draw.integers(20, 235, 3)
    coarse = draw.integers(-70, 70, (8, 14, 3)) + hue
    image = Image.fromarray(coarse.clip(0, 255).astype(np.uint8)).resize((260, 130), Image.Resampling.BICUBIC)
    noise = draw.integers(-25, 25, (130, 260, 1))
    return (np.asarray(image).astype(int) + noise).clip(0, 255).astype(np.uint8)


def moving(seed: int, seconds: float) -> list[np.ndarray]:
    """A slow pan over a scene."""
    pixels, count = scene(seed), round(seconds * RATE)
    return [pixels[10:118, i // 5 : i // 5 + SIZE[0]] for i in range(count)]


def blurred(frames: list[np.ndarray], radius: float = 4) -> list[np.ndarray]:
    return [np.asarray(Image.fromarray(frame).filter(ImageFilter.GaussianBlur(radius))) for frame in frames]


def flat(grey: int, seconds: float) -> list[np.ndarray]:
    return [np.full((SIZE[1], SIZE[0], 3), grey, np.uint8)] * round(seconds * RATE)


def dissolve(one: list[np.ndarray], other: list[np.ndarray], seconds: float) -> list[np.ndarray]:
    """The end of one goes over into the beginning of the other."""
    count = round(seconds * RATE)
    mixed = [
        ((1 - share) * a + share * b).astype(np.uint8)
        for share, a, b in zip(np.linspace(0, 1, count + 2)[1:-1], one[-count:], other[:count], strict=True)
    ]
    return [*one[:-count], *mixed, *other[count:]]


def write(
    path: Path,
    frames: list[np.ndarray],
    *,
    times: list[int] | None = None,
    aspect: Fraction | None = None,
    key: int = 12,
) -> Path:
    """times: of the frames in 1/25 s, for a rate that varies"""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        stream.bit_rate, stream.gop_size = 3_000_000, key
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
            stream.sample_aspect_ratio = aspect
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = times[index] if times else index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def turn(path: Path) -> Path:
    """Write into an MP4 that its frames are to be turned by 90 degrees clockwise, as phones do."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    fixed = 1 << 16
    struct.pack_into(">9i", data, matrix, 0, fixed, 0, -fixed, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path
