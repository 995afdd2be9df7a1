"""Duplicates by content hash, near-duplicates by a perceptual hash.

The perceptual hash is the sign of 255 low frequencies: of the cosine transform of the photo at 32 x 32 grey pixels the
16 x 16 lowest but the mean, each bit 1 where it is above their median. Two photos are near-duplicates if at
most `NEAR` bits differ: the same picture saved again, retouched, or taken again a moment later. Of unrelated photos
about 128 bits differ. Of PARA's pairs that differ by 12 to 64 bits, 105 were inspected: each shows one scene twice.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from rgnet.datasets.readers import Track
from rgnet.errors import PhotoError, need
from rgnet.imaging.decode import decode

NEAR = 64
_SIDE, _LOW = 32, 16
# The greys of a blank photo differ by less: its bits would be noise
_FLAT = 1.0
# In one step of the comparison: 80 MB
_PRODUCTS_AT_ONCE = 20_000_000

Item = TypeVar("Item", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """content: hash of the file's bytes; perceptual: 255 bits of what it shows, packed, None for a blank photo"""

    content: bytes
    perceptual: bytes | None


def compute_fingerprint(path: Path) -> Fingerprint:
    """Decodes the photo; raises PhotoError where it cannot."""
    image = decode(path, at_least=(2 * _SIDE, 2 * _SIDE)).image
    return Fingerprint(content_hash(path), perceptual_hash(image))


def perceptual_hash(image: Image.Image) -> bytes | None:
    small = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    grey_HW = np.asarray(small, dtype=np.float32)
    if grey_HW.std() < _FLAT:
        return None
    fft = need("scipy.fft", extra="evaluation", purpose="comparing photos")
    low_255 = fft.dctn(grey_HW, norm="ortho")[:_LOW, :_LOW].ravel()[1:]
    return np.packbits(low_255 > np.median(low_255)).tobytes()


def compute_fingerprints(paths: Sequence[Path], track: Track) -> dict[Path, Fingerprint | PhotoError]:
    """Every photo decoded, in threads; an unreadable one gives its error.

    An unchanged file is decoded once per process.
    """
    with ThreadPoolExecutor() as pool:
        prints = pool.map(_fingerprint_or_error, paths)
        return dict(zip(paths, track(prints, total=len(paths), description="reading photos"), strict=True))


def _fingerprint_or_error(path: Path) -> Fingerprint | PhotoError:
    try:
        stat = path.stat()
        return _cached_fingerprint(path, stat.st_size, stat.st_mtime_ns)
    except OSError:
        return _cached_fingerprint.__wrapped__(path, 0, 0)


@cache
def _cached_fingerprint(path: Path, size: int, changed: int) -> Fingerprint | PhotoError:
    try:
        return compute_fingerprint(path)
    except PhotoError as problem:
        return problem


def find_identical(paths: Iterable[Path]) -> list[list[Path]]:
    """Groups of at least two files with the same bytes; only files of equal length are read."""
    groups = [
        group
        for same_size in group_by(paths, lambda path: path.stat().st_size)
        for group in group_by(same_size, content_hash)
    ]
    return sorted(groups)


def find_near_duplicates(hashes: Mapping[Item, bytes | None]) -> list[tuple[Item, Item, int]]:
    """Pairs of which at most NEAR bits differ, with that number, nearest first."""
    items = [item for item, bits in hashes.items() if bits is not None]
    if not items:
        return []
    packed = np.frombuffer(
        b"".join(bits for bits in hashes.values() if bits is not None), dtype=np.uint8
    ).reshape(len(items), -1)
    # Bits as +1 and -1: of n bits, d differ where the product is n - 2 d
    sign_NF = np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1
    bit_count = sign_NF.shape[1]
    step = max(1, _PRODUCTS_AT_ONCE // len(items))
    pairs = []
    for start in range(0, len(items), step):
        agree = sign_NF[start : start + step] @ sign_NF[start:].T
        one, other = np.nonzero(agree >= bit_count - 2 * NEAR)
        one, other = one[other > one], other[other > one]
        differ = ((bit_count - agree[one, other]) / 2).astype(int)
        pairs += [
            (items[start + i], items[start + j], d)
            for i, j, d in zip(one.tolist(), other.tolist(), differ.tolist(), strict=True)
        ]
    return sorted(pairs, key=lambda pair: pair[2])


def find_families(
    prints: Mapping[str, Fingerprint | PhotoError], groups: Mapping[str, str]
) -> list[list[str]]:
    """Families of photos that are duplicates, near-duplicates, or of one group, directly or through others."""
    readable = {key: found for key, found in prints.items() if isinstance(found, Fingerprint)}
    links = [
        (one, other)
        for one, other, _ in find_near_duplicates({key: found.perceptual for key, found in readable.items()})
    ]
    for members in (
        *group_by(readable, lambda key: readable[key].content),
        *group_by((key for key in groups if key in prints), groups.__getitem__),
    ):
        links += [(members[0], other) for other in members[1:]]
    return connect(list(prints), links)


def connect(items: Sequence[Item], links: Iterable[tuple[Item, Item]]) -> list[list[Item]]:
    """Items connected by links, directly or through others, in the order of the items; a lone one counts too."""
    parent = {item: item for item in items}

    def root(item: Item) -> Item:
        while parent[item] != item:
            parent[item] = item = parent[parent[item]]
        return item

    for one, other in links:
        parent[root(other)] = root(one)
    grown: dict[Item, list[Item]] = defaultdict(list)
    for item in items:
        grown[root(item)].append(item)
    return list(grown.values())


def group_by(items: Iterable[Item], key: Callable[[Item], Hashable]) -> list[list[Item]]:
    """Items whose key is the same, where there are at least two."""
    groups: dict[Hashable, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return [group for group in groups.values() if len(group) > 1]


def content_hash(path: Path) -> bytes:
    return hashlib.blake2b(path.read_bytes(), digest_size=16).digest()
