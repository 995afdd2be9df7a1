"""Photos decoded once into one compact file, so that training does not wait for decoders.

The file is named by a hash of the photo list and the preprocessing, may be deleted at any time, and is
written whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from rgnet.datasets.records import RatedPhoto
from rgnet.errors import DataError, PhotoError
from rgnet.photo import decode
from rgnet.preprocess import Preprocess


def cached_pixels(photos: Sequence[RatedPhoto], preprocess: Preprocess, folder: Path, *, track) -> np.ndarray:
    """(N, H, W, 3) uint8 of all photos, memory-mapped read-only; decodes only what no earlier call has.

    track: wraps an iterable to show progress, called as track(iterable, total=N, description=text).
    Raises DataError naming every photo that cannot be read: a training list is used whole or not at all.
    """
    if preprocess.fit != "squash":
        raise DataError("training on a mix of shapes is not supported: use a preprocessing that squashes")
    target = folder / f"pixels-{fingerprint(photos, preprocess)}.npy"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        decode_all(photos, preprocess, target, track)
    return np.load(target, mmap_mode="r")


def fingerprint(photos: Sequence[RatedPhoto], preprocess: Preprocess) -> str:
    """Changes with the list, its order, a photo's size or date, and the resize; mean and std do not matter."""
    digest = hashlib.sha256(json.dumps([preprocess.size, preprocess.kernel]).encode())
    for photo in photos:
        try:
            stat = photo.path.stat()
        except OSError as problem:
            raise DataError(f"{photo.path} is on the list but cannot be found: {problem}") from problem
        digest.update(f"{photo.key} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def decode_all(photos: Sequence[RatedPhoto], preprocess: Preprocess, target: Path, track) -> None:
    partial = target.with_suffix(f".{os.getpid()}.part")
    size = preprocess.size
    pixels = open_memmap(partial, mode="w+", dtype=np.uint8, shape=(len(photos), size, size, 3))
    failures = []

    def fill(index: int) -> None:
        try:
            pixels[index] = preprocess(decode(photos[index].path, at_least=(size, size)).image)
        except PhotoError as problem:
            failures.append(str(problem))

    try:
        with ThreadPoolExecutor() as pool:
            for _ in track(
                pool.map(fill, range(len(photos))), total=len(photos), description="decoding photos"
            ):
                pass
        if failures:
            shown = "\n  ".join(sorted(failures)[:10])
            raise DataError(f"{len(failures)} of {len(photos)} photos cannot be read:\n  {shown}")
        pixels.flush()
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
