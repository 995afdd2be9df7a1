"""Atomic writes: a file or folder appears complete or not at all, whatever ends the program or fills the disk.

The only module that makes temporary names. Content is written to a hidden name next to its target and then renamed
over it. Until then, and after any error, an earlier file is as it was. What is replaced passes its permissions and
owner on; a symbolic link is followed, so the file that it names is replaced and the link stays.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rgnet.errors import EngineError, OutputError

_PREFIX, _SUFFIX = ".rgnet-", ".part"
_PROBE_BYTES = 2**16

# What to do about an error of the disk; every other errno is a fault of the program
_HINTS = {
    errno.ENOSPC: "make room or choose another place",
    errno.EDQUOT: "make room or choose another place",
    errno.EFBIG: "choose a place that allows larger files",
    errno.EIO: "check the disk",
    errno.EROFS: "choose another place",
    errno.EACCES: "change its permissions or choose another place",
    errno.EPERM: "change its permissions or choose another place",
    errno.ENOENT: "create the folder first",
    errno.ENOTDIR: "choose another place",
    errno.EISDIR: "choose another name",
    errno.ELOOP: "remove the link",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ESTALE: "mount the folder again",
}


# --- files -----------------------------------------------------------------------------------------------


@contextmanager
def replacing(target: Path, *, fsync: bool = True) -> Iterator[Path]:
    """A temporary path next to `target` to write to; at the end that file takes the place of `target`.

    fsync: also make sure that it survives a power cut
    Raises OutputError where the disk is full, or the file or its folder cannot be written.
    """
    place = Path(os.path.realpath(target))
    partial = temporary_name(place)
    with _errors_explained(target, place, partial):
        _check_replaceable(place)
        yield partial
        _take_the_place(partial, place, fsync=fsync)
        if fsync:
            sync(place.parent)


@contextmanager
def replacing_text(
    target: Path, *, newline: str | None = None, errors: str = "strict", fsync: bool = True
) -> Iterator[TextIO]:
    """A UTF-8 text stream; what was written to it takes the place of `target` at the end. Raises OutputError."""
    with replacing(target, fsync=fsync) as partial:
        file = partial.open("w", encoding="utf-8", newline=newline, errors=errors)
        try:
            yield file
        except BaseException:
            # Closing flushes, which fails once more where the disk is full
            with contextlib.suppress(OSError):
                file.close()
            raise
        file.close()


@contextmanager
def replacing_files(target: Path) -> Iterator[Path]:
    """A temporary folder; at the end its files are moved next to `target`, the one named like `target` last.

    For formats of several files that refer to each other by name. Raises OutputError.
    """
    partial = temporary_name(target)
    with _errors_explained(target, target, partial):
        partial.mkdir()
        yield partial
        files = sorted(partial.iterdir(), key=lambda file: file.name == target.name)
        for file in files:
            _check_replaceable(target.parent / file.name)
            sync(file)
        for file in files:
            _take_the_place(file, target.parent / file.name, fsync=False)
        sync(target.parent)
        partial.rmdir()


def write_bytes(target: Path, data: bytes | memoryview) -> None:
    """Replace `target` by a file of these bytes. Raises OutputError."""
    with replacing(target) as partial:
        partial.write_bytes(data)


def write_text(target: Path, text: str) -> None:
    """Replace `target` by a file of this text in UTF-8. Raises OutputError."""
    write_bytes(target, text.encode())


# --- folders ---------------------------------------------------------------------------------------------


@contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """A temporary folder to fill; at the end it takes the place of `target` and all that was in there.

    Raises OutputError as `replacing` does.
    """
    partial, earlier = temporary_name(target), temporary_name(target)
    with _errors_explained(target, target, partial):
        partial.mkdir()
        yield partial
        if not target.is_dir():
            partial.rename(target)
            return
        target.rename(earlier)
        try:
            partial.rename(target)
        except OSError:
            earlier.rename(target)
            raise
        shutil.rmtree(earlier, ignore_errors=True)


def make_writable_folder(folder: Path) -> None:
    """Make the folder if it is not there, and check that files can be written into it. Raises OutputError."""
    probe = temporary_name(folder / "probe")
    with _errors_explained(folder, folder, probe):
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()


def check_writable(target: Path) -> None:
    """Raise the OutputError of `replacing` before long work rather than after it; makes the folder."""
    make_writable_folder(target.parent)
    with explaining_errors(target):
        _check_replaceable(Path(os.path.realpath(target)))


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left half written. Only where nobody is writing."""
    for entry in folder.iterdir():
        if entry.name.startswith(_PREFIX) and entry.name.endswith(_SUFFIX):
            _remove(entry)


@contextmanager
def explaining_errors(target: Path) -> Iterator[None]:
    """Turn an error of the disk about `target`, or what is below it, into an OutputError of one line."""
    with _errors_explained(target, target, None):
        yield


# --- parts -----------------------------------------------------------------------------------------------


def temporary_name(target: Path) -> Path:
    """A short hidden name in the folder of `target` that no other process or machine uses."""
    return target.with_name(f"{_PREFIX}{uuid.uuid4().hex[:12]}{_SUFFIX}")


def write_error(target: Path, problem: OSError) -> OutputError:
    """The error to show where `target` cannot be written."""
    hint = _HINTS.get(problem.errno or 0, "check the folder")
    # Arrow puts a sentence of its own where the system's words belong
    words = os.strerror(problem.errno) if problem.errno and problem.filename is None else problem.strerror
    return OutputError(f"{target}: cannot be written ({words or problem}): {hint}")


def sync(path: Path) -> None:
    """Make a file's content, or the names in a folder, durable; of a folder only where the system can."""
    ignored = (OSError,) if path.is_dir() else ()
    with contextlib.suppress(*ignored):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _check_replaceable(place: Path) -> None:
    """Refuse what a rename would replace although opening it for writing would fail, and devices."""
    try:
        mode = place.stat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(place))
    if not stat.S_ISREG(mode):
        raise PermissionError(errno.EPERM, "it is not a regular file", str(place))
    if not os.access(place, os.W_OK):
        raise PermissionError(errno.EACCES, "the file is read-only", str(place))


def _take_the_place(partial: Path, place: Path, *, fsync: bool) -> None:
    """Rename a file over another one, whose permissions and owner it gets."""
    if place.exists():
        status = place.stat()
        # Windows knows no owners, and some file systems neither owners nor permissions
        with contextlib.suppress(PermissionError, AttributeError):
            os.chown(partial, status.st_uid, status.st_gid)
        with contextlib.suppress(PermissionError):
            partial.chmod(stat.S_IMODE(status.st_mode))
    if fsync:
        sync(partial)
    partial.replace(place)


@contextmanager
def _errors_explained(target: Path, place: Path, partial: Path | None) -> Iterator[None]:
    """On any error remove `partial`, without hiding that error; an error of the disk becomes an OutputError."""
    try:
        yield
    except BaseException as problem:
        disk_error = _disk_error(problem, place, partial or place)
        if partial is not None:
            _remove(partial)
        if disk_error is not None:
            raise write_error(target, disk_error) from problem
        raise


def _disk_error(problem: BaseException, place: Path, partial: Path) -> OSError | None:
    """The error of the disk behind `problem`, if there is one."""
    if isinstance(problem, OSError):
        # NumPy reports a short write without errno
        foreseen = problem.errno is None or problem.errno in _HINTS
        return problem if foreseen and _concerns(problem, place, partial) else None
    # Writers in C++ hide the reason, and who reads a file that they cut short knows no better
    return _probe(partial) if isinstance(problem, RuntimeError | EngineError) else None


def _concerns(problem: OSError, place: Path, partial: Path) -> bool:
    """Whether an error is about what is being written: reading another file in the block may fail too."""
    if problem.filename is None:
        return True
    name = Path(os.path.abspath(os.fsdecode(problem.filename)))  # noqa: PTH100 - links stay
    ours = [Path(os.path.abspath(path)) for path in (partial, place)]  # noqa: PTH100
    return any(name == path or path in name.parents or name in path.parents for path in ours)


def _probe(partial: Path) -> OSError | None:
    """The error of writing a little more next to `partial`, if any."""
    probe = temporary_name(partial)
    try:
        probe.write_bytes(bytes(_PROBE_BYTES))
    except OSError as problem:
        return problem
    finally:
        _remove(probe)
    return None


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
