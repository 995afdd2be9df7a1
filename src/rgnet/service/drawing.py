"""What a decoding process does with a catalogue's photo: read it, and draw it smaller or prepare it.

The path comes from the catalogue and the bytes must be those that were scanned. What is drawn is a new JPEG of the
decoded pixels: nothing else of the file, such as where it was taken, gets out.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from rgnet.errors import PhotoRefused
from rgnet.imaging.decode import decode
from rgnet.imaging.examine import contents
from rgnet.imaging.jobs import Look
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.prepare import Prepared, prepare
from rgnet.imaging.preprocess import Preprocess
from rgnet.service.decoding import digest

QUALITY = 85


@dataclass(frozen=True, slots=True)
class Stored:
    """A photo of the catalogue.

    sha256: of its bytes when it was scanned
    what:   the long side to draw it at, or how to prepare it
    """

    path: str
    sha256: str
    policy: DecodePolicy
    what: int | Preprocess


def read(photo: Stored) -> bytes | Prepared:
    """A JPEG, or what the network is fed; runs in a cell. Raises PhotoError, also where the file has changed."""
    data, _ = contents(Look(photo.path, (0, 0), photo.policy, None))
    if digest(data) != photo.sha256:
        raise PhotoRefused(f"{photo.path}: has changed since it was scanned: scan its folder again")
    if isinstance(photo.what, Preprocess):
        return prepare(data, photo.what, photo.policy)._replace(exif=b"")
    return drawn(data, photo.what, photo.policy)


def drawn(data: bytes, side: int, policy: DecodePolicy) -> bytes:
    image = decode(data, at_least=(side // 2, side // 2), policy=policy).image
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    file = BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
