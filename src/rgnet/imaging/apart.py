"""Single camera raw files, for callers without a DecodePool: each in a process started for it, in half a second.

LibRaw may crash, and is never loaded where that would matter.
"""

from __future__ import annotations

import os
from typing import Any

from rgnet.errors import CameraRawRefused, PhotoError, camera_raw_missing
from rgnet.imaging.decode import Source
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.prepare import Prepared, prepare
from rgnet.imaging.preprocess import Preprocess
from rgnet.imaging.raw import is_installed
from rgnet.imaging.workers import DecodePool


def prepare_any(source: Source, preprocess: Preprocess, policy: DecodePolicy) -> Prepared:
    """As `prepare`, and also camera raw. Raises PhotoError."""
    try:
        return prepare(source, preprocess, policy)
    except CameraRawRefused:
        return _prepare_apart(source, preprocess, policy)


def _prepare_apart(source: Source, preprocess: Preprocess, policy: DecodePolicy) -> Prepared:
    found = _decode(source, preprocess=preprocess, policy=policy).prepared_or_error
    if isinstance(found, PhotoError):
        raise found
    return found


def _decode(source: Source, **wanted: Any) -> DecodedPhoto:
    """A path or a file's bytes: nothing else is camera raw."""
    if not is_installed():
        raise camera_raw_missing("the photo")
    content = bytes(source) if isinstance(source, bytes | bytearray | memoryview) else os.fspath(source)  # type: ignore[arg-type]
    with DecodePool(1) as pool:
        return pool.submit(DecodeJob(source=content, **wanted)).result()
