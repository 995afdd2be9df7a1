"""Photo files opened and read with the policy's limits, and errors that say what is wrong. Needs no decoder."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from stat import S_ISDIR, S_ISREG
from typing import BinaryIO

from rgnet.errors import PhotoNotFound, PhotoRefused, PhotoTooLarge
from rgnet.imaging.policy import DecodePolicy


def absolute_path(name: str) -> str:
    """For a process that may have another current folder; what else a path says is left as it is."""
    try:
        return os.path.join(os.getcwd(), name) if name else name  # noqa: PTH109, PTH118 -- the path may hold any text
    except FileNotFoundError:
        return name


def open_photo(path: str | os.PathLike[str], policy: DecodePolicy) -> BinaryIO:
    """A photo file open for reading. Raises PhotoNotFound, PhotoRefused or PhotoTooLarge."""
    name = os.fspath(path)
    try:
        stat = os.stat(name)  # noqa: PTH116 -- the path may hold any text
        # A pipe or a device would block or never end
        if not S_ISREG(stat.st_mode):
            kind = "a folder" if S_ISDIR(stat.st_mode) else "a pipe or a device"
            raise PhotoRefused(name, f"this is {kind}, not a photo", "name a file")
        check_bytes(name, stat.st_size, policy)
        return open(name, "rb")  # noqa: PTH123 -- closed by the caller
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise _not_found(name) from None
    except OSError as problem:
        raise _unreadable(name, problem) from problem


def read_photo(path: str | os.PathLike[str], policy: DecodePolicy) -> tuple[bytes, os.stat_result]:
    """The bytes of a photo file, and what the system says of the file they were read from. Raises as `open_photo`."""
    name = os.fspath(path)
    with open_photo(name, policy) as file:
        try:
            stat = os.fstat(file.fileno())
            # A read makes room for all that it may get, at a cost
            data = file.read(min(stat.st_size, policy.max_bytes) + 1)
            if len(data) > stat.st_size:
                data += file.read(max(0, policy.max_bytes + 1 - len(data)))
        except OSError as problem:
            raise _unreadable(name, problem) from problem
    check_bytes(name, len(data), policy)
    return data, stat


def hash_file(path: str) -> tuple[bytes, os.stat_result]:
    """SHA-256 of a file of any size, and what the system says of it. Raises as `open_photo`."""
    with open_photo(path, DecodePolicy(max_bytes=sys.maxsize)) as file:
        try:
            stat = os.fstat(file.fileno())
            return hashlib.file_digest(file, "sha256").digest(), stat  # type: ignore[arg-type]
        except OSError as problem:
            raise _unreadable(path, problem) from problem


def check_bytes(name: str, size: int, policy: DecodePolicy) -> None:
    if size > policy.max_bytes:
        raise PhotoTooLarge(
            name,
            f"this file has {size} bytes, at most {policy.max_bytes} are accepted",
            "shrink it or raise max_bytes of the DecodePolicy",
        )


def _not_found(name: str) -> PhotoNotFound:
    if "://" in name:
        return PhotoNotFound(name, "rgnet opens files, not addresses", "download it first")
    if os.path.islink(name):  # noqa: PTH114 -- a path that Path refuses is not a link
        return PhotoNotFound(
            name, "this link points to a file that is not there", "restore the file, or remove the link"
        )
    return PhotoNotFound(name, "there is no such file", "check the path")


def _unreadable(name: str, problem: OSError) -> PhotoRefused:
    hint = "name a file" if problem.errno == errno.ELOOP else "check its permissions and its disk"
    return PhotoRefused(name, f"this file cannot be read ({problem.strerror or problem})", hint)
