"""Limits on what the decoder accepts, and on what a photo may take. Needs no decoder."""

from __future__ import annotations

from dataclasses import dataclass

# Of a process that decodes, where it is not said otherwise: seconds for a photo, and bytes
SECONDS, MEMORY = 60.0, 4 * 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodePolicy:
    """What is accepted.

    max_bytes:      of a file
    max_pixels:     width x height, checked on the header before any decoding; the default lets through the
                    200 megapixels of a phone
    accept_partial: a truncated photo gives the part that is there, with a note, instead of PhotoDamaged
    camera_raw:     open camera raw files in this process, although LibRaw may crash or take any time and memory;
                    DecodePool does, whose processes may
    """

    max_bytes: int = 512 * 2**20
    max_pixels: int = 200_000_000
    accept_partial: bool = False
    camera_raw: bool = False
