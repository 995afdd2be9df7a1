"""A HEIF's pixels at the depth they are stored with; pillow-heif's Pillow class makes them 8 bits."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np


def read_deep(stream: BinaryIO) -> tuple[np.ndarray, int]:
    """((H, W, 3) uint16 of the primary picture, turned as the container says; the largest number it can be)."""
    from pillow_heif import HeifFile

    file = HeifFile(stream, convert_hdr_to_8bit=False, hdr_to_16bit=False)
    picture = file[file.primary_index]
    # Its mode is "RGB;10" or "RGB;12"
    return np.asarray(picture), 2 ** int(picture.mode.partition(";")[2]) - 1
