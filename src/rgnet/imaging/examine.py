"""One file of a library, looked at in a process of its own: its hash, what its header says, and its pixels."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from rgnet.errors import PhotoError, PhotoNotFound, PhotoRefused
from rgnet.imaging.exif import capture, exif_orientation
from rgnet.imaging.jobs import Content, Examined, Look
from rgnet.imaging.prepare import naming, prepare


def examine(look: Look) -> Examined:
    """Read a file once and do with its bytes what is wanted. Raises PhotoError where they cannot be read."""
    data, stat = contents(look)
    sha256 = look.sha256 or hashlib.sha256(data).digest()
    if look.preprocess is None:
        return Examined(Content(sha256, len(data)), stat.st_mtime_ns, None)
    try:
        photo = prepare(data, look.preprocess, look.policy)
    except PhotoError as problem:
        return Examined(Content(sha256, len(data)), stat.st_mtime_ns, naming(problem, look.path, data))
    taken, camera = capture(photo.exif)
    content = Content(sha256, len(data), taken, camera, orientation(photo.exif))
    return Examined(content, stat.st_mtime_ns, photo._replace(exif=b""))


def contents(look: Look) -> tuple[bytes, os.stat_result]:
    try:
        with Path(look.path).open("rb") as file:
            stat = os.fstat(file.fileno())
            if stat.st_size > look.policy.max_bytes:
                raise PhotoRefused(
                    f"{look.path}: expected at most {look.policy.max_bytes} bytes, found {stat.st_size}: shrink it"
                )
            return file.read(), stat
    except FileNotFoundError:
        raise PhotoNotFound(f"{look.path}: was there a moment ago and is gone: scan again") from None
    except OSError as problem:
        raise PhotoRefused(
            f"{look.path}: cannot be read ({problem.strerror}): check its permissions"
        ) from problem


def orientation(exif: bytes) -> int:
    try:
        return exif_orientation({"exif": exif})
    except ValueError:
        return 1
