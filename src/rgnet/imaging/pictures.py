"""A scanned photo read again to be looked at, in a process of its own: pictures of it, and the network's input."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from rgnet.errors import PhotoError, PhotoRefused
from rgnet.imaging.decode import decode
from rgnet.imaging.examine import contents
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.prepare import Prepared, naming, prepare
from rgnet.imaging.preprocess import Preprocess

QUALITY = 78
MIME = "image/webp"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of a photo.

    sha256:     of the bytes that were scored
    preprocess: of the model that is to explain it; None: only pictures are wanted
    sides:      of the pictures, the longer one in pixels, largest first; no picture is larger than its photo
    """

    path: str
    sha256: bytes
    policy: DecodePolicy
    preprocess: Preprocess | None
    sides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """pictures: upright sRGB as WebP, in the order of `sides`; photo: as `rgnet.scorer.prepare` gives it."""

    pictures: tuple[bytes, ...]
    photo: Prepared | None


def show(wish: Wish) -> Shown:
    """Raises a PhotoError where the file has vanished, has changed since it was scanned, or does not decode."""
    data, _ = contents(wish)
    if hashlib.sha256(data).digest() != wish.sha256:
        raise PhotoRefused(
            f"{wish.path}: expected the photo that was scanned, found another content: scan it again"
        )
    try:
        image = decode(data, at_least=(wish.sides[0],) * 2, policy=wish.policy).image
        photo = wish.preprocess and prepare(data, wish.preprocess, wish.policy)
    except PhotoError as problem:
        raise naming(problem, wish.path, data) from problem
    return Shown(tuple(smaller(image, side) for side in wish.sides), photo and photo._replace(exif=b""))


def smaller(image: Image.Image, side: int) -> bytes:
    """The picture as WebP; `image` shrinks to it."""
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    data = BytesIO()
    image.save(data, "WEBP", quality=QUALITY)
    return data.getvalue()
