"""Copies of a photo: byte-identical files by their hash, look-alikes by a perceptual hash.

A look-alike is the same picture saved again: another size, compression or format, a light retouch.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)


def identical(paths: Iterable[Path]) -> list[list[Path]]:
    """Groups of at least two files with the same bytes; only files of equal length are read."""
    groups = [
        group
        for same_size in gathered(paths, lambda path: path.stat().st_size)
        for group in gathered(same_size, content_hash)
    ]
    return sorted(groups)


def gathered(items: Iterable[Item], key) -> list[list[Item]]:
    """Items whose key is the same, where there are at least two."""
    groups = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return [group for group in groups.values() if len(group) > 1]


def content_hash(path: Path) -> bytes:
    return hashlib.blake2b(path.read_bytes(), digest_size=16).digest()
