"""Photos made of noise, what a hostile one may carry, and a decoder that is too slow for one."""

import io
import time

import numpy as np
from PIL import Image

from rgnet.imaging.jobs import DecodedPhoto, DecodeJob, run_job

HOSTILE_NAME = "<img src=x onerror=alert(1)>.jpg"
SECRET = "a place that nobody should learn"


def noise(seed: int, *, size: tuple[int, int] = (80, 60), format: str = "JPEG") -> bytes:
    """A file of a photo that no other seed gives."""
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize(size).save(file, format)
    return file.getvalue()


def add_location(data: bytes) -> bytes:
    """The photo with a place in its EXIF."""
    image, file = Image.open(io.BytesIO(data)), io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = SECRET
    exif[0x0132] = "2026:07:04 12:00:00"
    exif.get_ifd(0x8825)[29] = "2026:07:04"
    image.save(file, "JPEG", exif=exif)
    assert SECRET.encode() in file.getvalue()
    return file.getvalue()


def decode_slowly(job: DecodeJob) -> DecodedPhoto:
    """A decoder that takes half a minute for slow.jpg."""
    if job.name == "slow.jpg":
        time.sleep(30)
    return run_job(job)
