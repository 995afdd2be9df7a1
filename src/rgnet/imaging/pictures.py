"""Pictures of a photo at the sizes that pages show: drawn anew from its pixels, so that no metadata gets out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Literal

from PIL import Image

from rgnet.imaging.decode import Photo

PictureFormat = Literal["WEBP", "JPEG", "PNG"]
QUALITY = {"WEBP": 78, "JPEG": 85}
MIME = {"WEBP": "image/webp", "JPEG": "image/jpeg"}


def draw(image: Image.Image, long_sides: Sequence[int], format: PictureFormat) -> tuple[bytes, ...]:
    """The image as one file for each long side in pixels, in their order; never larger than the image."""
    drawn, shrinking = {}, image.copy()
    for side in sorted(set(long_sides), reverse=True):
        shrinking.thumbnail((side, side), Image.Resampling.HAMMING)
        file = BytesIO()
        shrinking.save(file, format, quality=QUALITY.get(format))
        drawn[side] = file.getvalue()
    return tuple(drawn[side] for side in long_sides)


def smallest_decoded(long_side: int) -> Callable[[int, int], tuple[int, int]]:
    """What a JPEG has to be decoded to at least, of a photo's (width, height), for a picture of this long side."""

    def size(width: int, height: int) -> tuple[int, int]:
        scale = min(1.0, long_side / max(width, height))
        return max(1, round(width * scale)), max(1, round(height * scale))

    return size


def is_enough(photo: Photo, long_side: int) -> bool:
    """Whether a decoded photo has the pixels for a picture of this long side, or all that there are."""
    return max(photo.image.size) >= min(long_side, max(photo.width, photo.height))
