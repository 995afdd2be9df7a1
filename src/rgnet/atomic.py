"""Files and folders that appear whole or not at all, whatever ends the program or fills the disk.

The only place that makes temporary names. Content is written beside its target and takes the target's place in one
step; until then, and whenever anything is raised, an earlier file stays as it was.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rgnet.errors import OutputError

# What the disk or its owner is to blame for, and not the program
_DISK = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENOENT,
}


@contextmanager
def replacing(target: Path, *, fsync: bool = True) -> Iterator[Path]:
    """A path beside `target` to write to; at the end that file takes the place of `target`.

    fsync: also make sure that it survives a power cut
    Raises OutputError where the disk is full or the folder cannot be written to.
    """
    partial = temporary_name(target)
    with _cleaned_up(target, partial):
        yield partial
        if fsync:
            sync_file(partial)
        partial.replace(target)
        if fsync:
            sync_folder(target.parent)


@contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """A new folder beside `target` to fill; at the end it takes the place of `target` and what that held.

    Raises OutputError as `replacing` does.
    """
    partial = temporary_name(target)
    with _cleaned_up(target, partial):
        partial.mkdir()
        yield partial
        if target.is_dir():
            earlier = temporary_name(target)
            target.rename(earlier)
            partial.rename(target)
            shutil.rmtree(earlier, ignore_errors=True)
        else:
            partial.rename(target)


def temporary_name(target: Path) -> Path:
    """A hidden name in the folder of `target` that no other process or machine uses."""
    return target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}.part")


def write_error(target: Path, problem: OSError) -> OutputError:
    """The error to show where `target` cannot be written."""
    hint = (
        "make room or choose another place"
        if problem.errno in (errno.ENOSPC, errno.EDQUOT)
        else "check the folder"
    )
    return OutputError(f"{target}: cannot be written ({problem.strerror or problem}): {hint}")


def sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder durable, where the system can."""
    with contextlib.suppress(OSError):
        sync_file(folder)


@contextmanager
def _cleaned_up(target: Path, partial: Path) -> Iterator[None]:
    """Remove `partial` on any error, never letting that hide the first one."""
    try:
        yield
    except BaseException as problem:
        with contextlib.suppress(OSError):
            shutil.rmtree(partial) if partial.is_dir() else partial.unlink(missing_ok=True)
        if isinstance(problem, OSError) and problem.errno in _DISK and _is_ours(problem, target, partial):
            raise write_error(target, problem) from problem
        raise


def _is_ours(problem: OSError, target: Path, partial: Path) -> bool:
    """Whether an error is about what is being written: reading another file inside the block may fail too."""
    if problem.filename is None:
        return True
    return os.fspath(problem.filename).startswith((str(partial), str(target)))
