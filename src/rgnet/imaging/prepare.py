"""A photo to what a model is fed: decoded, resized, with notes of what had to be worked around."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rgnet.imaging.decode import Photo, Source, decode
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.preprocess import Preprocess


class Prepared(NamedTuple):
    """A decoded photo, resized to what the network is fed; width and height are the upright photo's."""

    pixels_HW3: np.ndarray
    width: int
    height: int
    notes: tuple[str, ...]


def prepare(source: Source, preprocess: Preprocess, policy: DecodePolicy) -> Prepared:
    """Decode a photo to what a model of this preprocessing is fed. Raises what `decode` raises."""
    return to_prepared(decode_for(source, preprocess, policy), preprocess)


def decode_for(source: Source, preprocess: Preprocess, policy: DecodePolicy, *, name: str = "") -> Photo:
    """A photo decoded as far as this preprocessing needs it. name: as of `decode`."""
    return decode(source, at_least=preprocess.target, name=name, policy=policy)


def to_prepared(photo: Photo, preprocess: Preprocess) -> Prepared:
    """What a model of this preprocessing is fed of a photo that `decode_for` has decoded."""
    pixels_HW3 = preprocess(photo.image, of=(photo.width, photo.height))
    return Prepared(pixels_HW3, photo.width, photo.height, photo.notes)
