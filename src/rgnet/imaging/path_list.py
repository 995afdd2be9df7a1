"""Lists of photos, as programs and editors write them: a path a line, or paths divided by NUL bytes."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import BinaryIO

from rgnet.errors import SettingError

_HEAD, _BLOCK = 2**13, 2**16


def read_path_list(stream: BinaryIO, name: str) -> Iterator[str]:
    """Paths in their order, without blank lines; read as they are consumed, so that a list may be of any length.

    Lines end in LF or CR LF; `find -print0` divides paths by NUL bytes. A UTF-8 byte order mark is skipped, UTF-16 is
    understood (PowerShell writes both), and bytes that are not text are kept, as a file name may hold any.
    name: what messages call the list. Raises SettingError where UTF-16 is damaged.
    """
    head = stream.read(_HEAD).removeprefix(codecs.BOM_UTF8)
    blocks: Iterable[bytes] = chain([head], iter(lambda: stream.read(_BLOCK), b""))
    encoding = _utf16_encoding(head)
    if encoding:
        blocks = _to_utf8(blocks, encoding, name)
    divider = b"\0" if b"\0" in head and not encoding else b"\n"
    for piece in _split(blocks, divider):
        if piece.strip():
            yield os.fsdecode(piece.rstrip(b"\r\n"))


def _utf16_encoding(head: bytes) -> str | None:
    """Known by its mark; or, without one, by NUL as every other byte of its first characters."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = head[:64:2], head[1:64:2]
    if len(odd) < 8:
        return None
    if all(even) and not any(odd):
        return "utf-16-le"
    return "utf-16-be" if all(odd) and not any(even) else None


def _to_utf8(blocks: Iterable[bytes], encoding: str, name: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in blocks:
            yield decoder.decode(block).encode()
        decoder.decode(b"", final=True)
    except UnicodeError:
        raise SettingError(f"{name}: this UTF-16 list is damaged: save it again, as UTF-8") from None


def _split(blocks: Iterable[bytes], divider: bytes) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        *pieces, rest = (rest + block).split(divider)
        yield from pieces
    yield rest
