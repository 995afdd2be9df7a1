"""The size of a JPEG XL photo, read from its header before a decoder sees it."""

from __future__ import annotations

import struct
from typing import BinaryIO

_JXL_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def jxl_size(stream: BinaryIO) -> tuple[int, int]:
    """(width, height) of a JPEG XL, before its decoder, which decodes everything on opening, sees it.

    ISO/IEC 18181-1, SizeHeader. Raises ValueError if there is no codestream.
    """
    bits = int.from_bytes(_jxl_codestream(stream)[2:], "little")

    def take(count: int) -> int:
        nonlocal bits
        value, bits = bits & ((1 << count) - 1), bits >> count
        return value

    small = take(1)

    def side() -> int:
        return 8 * (take(5) + 1) if small else take((9, 13, 18, 30)[take(2)]) + 1

    height = side()
    if ratio := take(3):
        numerator, denominator = _JXL_RATIOS[ratio - 1]
        return height * numerator // denominator, height
    return side(), height


def _jxl_codestream(stream: BinaryIO) -> bytes:
    """The first bytes of the codestream, bare or in the first box that holds a part of it."""
    stream.seek(0)
    head = stream.read(16)
    while head[:2] != b"\xff\x0a":
        if len(head) < 16:
            raise ValueError("a JPEG XL container without a codestream")
        length, kind = struct.unpack_from(">I4s", head)
        skip = 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", head, 8)
            skip = 16
        skip_to_code = {b"jxlc": skip, b"jxlp": skip + 4}.get(kind)
        start = stream.tell() - len(head)
        if skip_to_code is None and length < skip:
            raise ValueError("a JPEG XL container without a codestream")
        stream.seek(start + (length if skip_to_code is None else skip_to_code))
        head = stream.read(16)
        if skip_to_code is not None and head[:2] != b"\xff\x0a":
            raise ValueError("a JPEG XL codestream without its signature")
    return head
