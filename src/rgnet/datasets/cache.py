"""Photos decoded once into one compact file, so that training does not wait for decoders.

The file is named by a hash of the photo list and the preprocessing, may be deleted at any time, and is written
atomically. A folder of such files is bounded: the least recently used ones are deleted.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap

from rgnet.atomic import make_writable_folder, replacing
from rgnet.datasets.readers import Track
from rgnet.datasets.records import RatedPhoto
from rgnet.errors import DataError, OutputError, PhotoError
from rgnet.imaging.jobs import DecodeJob
from rgnet.imaging.preprocess import Preprocess
from rgnet.imaging.workers import DecodePool

# Bytes that a folder of caches may take: AVA's 233,530 training photos at 300 x 300 are 63 GB
_LIMIT = 100 * 10**9
_BLOCK = 2**24


def cached_pixels(
    photos: Sequence[RatedPhoto], preprocess: Preprocess, folder: Path, *, track: Track, limit: int = _LIMIT
) -> np.ndarray:
    """(N, H, W, 3) uint8 of all photos, memory-mapped read-only; decodes only what no earlier call has.

    limit: bytes that the caches in `folder` may take together; RGNET_CACHE_GB in the environment takes precedence
    Raises DataError naming every photo that cannot be read: a training list is used whole or not at all; and where
    the limit is too small for it. Raises OutputError where the disk is.
    """
    if preprocess.fit != "squash":
        raise DataError("training on a mix of shapes is not supported: use a preprocessing that squashes")
    target = folder / f"pixels-{_hash_list(photos, preprocess)}.npy"
    if not target.exists():
        make_room(folder, len(photos) * 3 * preprocess.size**2, limit)
        _decode_all(photos, preprocess, target, track)
    return open_cached(target)


def open_cached(file: Path) -> np.ndarray:
    """The array of a cache, mapped read-only; the file's date says when it was last used."""
    with suppress(OSError):  # another user's cache may be read-only
        os.utime(file)
    return np.load(file, mmap_mode="r")


def _read_limit(limit: int) -> int:
    text = os.environ.get("RGNET_CACHE_GB")
    if text is None:
        return limit
    if not text.isdecimal():
        raise DataError(f"RGNET_CACHE_GB is a whole number of gigabytes, found {text!r}")
    return int(text) * 10**9


def make_room(folder: Path, needed: int, limit: int = _LIMIT, *, kind: str = "pixels") -> None:
    """Delete the least recently used caches of `folder` until `needed` more bytes are within the limit.

    kind: what the names of these caches begin with
    """
    limit = _read_limit(limit)
    if needed > limit:
        raise DataError(
            f"the {kind} of the photos need {needed / 1e9:.2f} GB in {folder}, more than the limit of "
            f"{limit / 1e9:.2f} GB: raise it with RGNET_CACHE_GB, or train on smaller or fewer photos"
        )
    caches = sorted(folder.glob(f"{kind}-*.npy"), key=lambda path: path.stat().st_mtime_ns)
    taken = sum(path.stat().st_size for path in caches)
    for path in caches:
        if taken + needed <= limit:
            return
        taken -= path.stat().st_size
        path.unlink()


def _hash_list(photos: Sequence[RatedPhoto], preprocess: Preprocess) -> str:
    """Changes with the list, its order, a photo's size or date, and the resize; mean and std do not matter."""
    digest = hashlib.sha256(json.dumps([preprocess.size, preprocess.kernel]).encode())
    for photo in photos:
        try:
            stat = photo.path.stat()
        except OSError as problem:
            raise DataError(f"{photo.path} is on the list but cannot be found: {problem}") from problem
        digest.update(f"{photo.key} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _decode_all(photos: Sequence[RatedPhoto], preprocess: Preprocess, target: Path, track: Track) -> None:
    shape = (len(photos), preprocess.size, preprocess.size, 3)
    try:
        make_writable_folder(target.parent)
        with replacing(target, fsync=False) as partial:
            pixels = reserve_array(partial, shape)
            if failures := _decode_into(pixels, photos, preprocess, track):
                shown = "\n  ".join(sorted(failures)[:10])
                raise DataError(
                    f"{len(failures)} of {len(photos)} photos cannot be read:\n  {shown}\n"
                    "repair them, or take them off the list"
                )
            pixels.flush()
    except OutputError as problem:
        raise OutputError(
            f"{problem}; it needs {prod(shape)} bytes, and {_free_bytes(target)} are free"
        ) from problem


def _free_bytes(path: Path) -> int:
    """Of the disk that holds the nearest folder above `path` that exists."""
    return shutil.disk_usage(next(folder for folder in path.absolute().parents if folder.is_dir())).free


def reserve_array(path: Path, shape: tuple[int, ...], dtype: type[Any] = np.uint8) -> np.memmap[Any, Any]:
    """An array in a file whose bytes the disk has promised: a map without that dies of SIGBUS on a full disk."""
    array = open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    with path.open("r+b") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        else:
            file.seek(array.offset)
            for start in range(0, array.nbytes, _BLOCK):
                file.write(bytes(min(_BLOCK, array.nbytes - start)))
    return array


def _decode_into(
    pixels: np.ndarray, photos: Sequence[RatedPhoto], preprocess: Preprocess, track: Track
) -> list[str]:
    """Decode every photo into its row, in processes that may crash; returns the errors of those that cannot be read."""
    jobs = (
        (index, DecodeJob(source=str(photo.path), hashed=False, preprocess=preprocess))
        for index, photo in enumerate(photos)
    )
    failures = []
    with DecodePool() as pool:
        done = pool.as_completed(jobs)
        for index, found in track(done, total=len(photos), description="decoding photos"):
            prepared = found.prepared_or_error
            if isinstance(prepared, PhotoError):
                failures.append(str(prepared))
            else:
                pixels[index] = prepared.pixels_HW3
    return failures
