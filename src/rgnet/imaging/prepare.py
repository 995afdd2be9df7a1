"""A photo to what a model is fed: decoded, resized, with notes of what had to be worked around."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rgnet.errors import PhotoError
from rgnet.imaging.decode import Photo, Source, decode, nameless
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.preprocess import Preprocess

NOT_ENLARGED = 1.1


class Prepared(NamedTuple):
    """A decoded photo, resized to what the network is fed; width and height are the upright photo's."""

    pixels_HW3: np.ndarray
    width: int
    height: int
    notes: tuple[str, ...]
    exif: bytes = b""


def prepare(source: Source, preprocess: Preprocess, policy: DecodePolicy) -> Prepared:
    """Decode a photo to what a model of this preprocessing is fed. Raises what `decode` raises."""
    photo = decode(source, at_least=preprocess.target, policy=policy)
    notes = (*photo.notes, *enlarged(photo, preprocess))
    pixels_HW3 = preprocess(photo.image, of=(photo.width, photo.height))
    return Prepared(pixels_HW3, photo.width, photo.height, notes, photo.exif)


def enlarged(photo: Photo, preprocess: Preprocess) -> tuple[str, ...]:
    """A note where a photo has clearly fewer pixels than the network is fed, which takes the blur for a flaw."""
    width, height = preprocess.target(photo.width, photo.height)
    if max(width / photo.width, height / photo.height) <= NOT_ENLARGED:
        return ()
    return (f"small: enlarged to {width} x {height} pixels, its score is too low beside larger photos",)


def naming(problem: PhotoError, name: str, data: bytes) -> PhotoError:
    """An error about a file's bytes as one about the file."""
    return type(problem)(str(problem).replace(nameless(data), name, 1))
