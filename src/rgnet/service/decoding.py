"""What a decoding process does with a photo's bytes: hash them and prepare them for the network, or draw them smaller.

The hash in an answer is taken here, of the bytes that were decoded, so that no answer can bear another photo's.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from rgnet.errors import PhotoError
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.prepare import Prepared, naming, prepare
from rgnet.imaging.preprocess import Preprocess


@dataclass(frozen=True, slots=True)
class Look:
    """A photo's bytes, how they are called, and what is wanted of them."""

    name: str
    data: bytes
    preprocess: Preprocess
    policy: DecodePolicy


@dataclass(frozen=True, slots=True)
class Seen:
    """sha256 of the bytes, in hexadecimal; photo: decoded, or the error where it does not decode."""

    sha256: str
    photo: Prepared | PhotoError


def look(wanted: Look) -> Seen:
    """Runs in a cell."""
    try:
        photo: Prepared | PhotoError = prepare(wanted.data, wanted.preprocess, wanted.policy)._replace(
            exif=b""
        )
    except PhotoError as problem:
        photo = naming(problem, wanted.name, wanted.data)
    return Seen(digest(wanted.data), photo)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
