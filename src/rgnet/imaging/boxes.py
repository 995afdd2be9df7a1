"""What the boxes of an AVIF say of its colours: Pillow's decoder keeps it to itself. ISO/IEC 14496-12 and 23008-12."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

_MOST_BOXES, _MOST_BYTES = 1000, 2**22


def read_nclx(stream: BinaryIO) -> tuple[int, int] | None:
    """Primaries and transfer function (ITU-T H.273) of the primary picture; the stream stays where it is.

    A file may hold pictures of other colour spaces beside it, such as the bright one that a gain map makes.
    """
    place = stream.tell()
    try:
        with suppress(struct.error, IndexError, KeyError):
            return _find_nclx(_read_meta(stream))
    finally:
        stream.seek(place)
    return None


def _read_meta(stream: BinaryIO) -> bytes:
    stream.seek(0)
    for _ in range(_MOST_BOXES):
        head = stream.read(8)
        length, kind = struct.unpack(">I4s", head)
        used = 8
        if length == 1:
            (length,) = struct.unpack(">Q", stream.read(8))
            used = 16
        if kind == b"meta" and used + 4 <= length <= _MOST_BYTES:
            return stream.read(length - used)[4:]
        if length < used:
            break
        stream.seek(length - used, 1)
    raise KeyError("meta")


def _find_nclx(meta: bytes) -> tuple[int, int] | None:
    found = dict(_boxes(meta))
    primary = found[b"pitm"]
    item = int.from_bytes(primary[4 : 8 if primary[0] else 6], "big")
    properties = dict(_boxes(found[b"iprp"]))
    kinds = list(_boxes(properties[b"ipco"]))
    for index in _properties_of(item, properties[b"ipma"]):
        kind, body = kinds[index - 1]
        if kind == b"colr" and body[:4] == b"nclx":
            return struct.unpack_from(">HH", body, 4)
    return None


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        if length < 8:
            return
        yield kind, data[place + 8 : place + length]
        place += length


def _properties_of(item: int, associations: bytes) -> list[int]:
    """The numbers, from 1 on, of what an item has of the properties in "ipco"."""
    version, is_wide = associations[0], associations[3] & 1
    (count,) = struct.unpack_from(">I", associations, 4)
    id_form, number_form, mask = (
        ">I" if version else ">H",
        ">H" if is_wide else ">B",
        0x7FFF if is_wide else 0x7F,
    )
    place = 8
    for _ in range(count):
        (found,) = struct.unpack_from(id_form, associations, place)
        place += struct.calcsize(id_form)
        numbers = associations[place]
        place += 1
        if found == item:
            width = struct.calcsize(number_form)
            every = (
                struct.unpack_from(number_form, associations, place + width * at)[0] for at in range(numbers)
            )
            return [number & mask for number in every if number & mask]
        place += numbers * struct.calcsize(number_form)
    return []
