"""Which files of a folder count as photos. Needs no decoder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path, PurePath
from typing import Literal

# Of camera raw files, as far as LibRaw opens what is in them
RAW_SUFFIXES = frozenset(
    {
        ".3fr",
        ".arw",
        ".bay",
        ".cr2",
        ".cr3",
        ".crw",
        ".dcr",
        ".dng",
        ".erf",
        ".fff",
        ".gpr",
        ".iiq",
        ".k25",
        ".kdc",
    }
    | {".mdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".ori", ".pef", ".ptx", ".raf", ".raw", ".rw2"}
    | {".rwl", ".sr2", ".srf", ".srw", ".x3f"}
)
PHOTO_SUFFIXES = RAW_SUFFIXES | frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif"}
    | {".bmp", ".dib", ".tif", ".tiff", ".avif", ".avifs", ".heic", ".heif", ".heics", ".heifs", ".hif"}
    | {".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc", ".jxl"}
)
# Of videos; .ts is left out, for most such files are programs
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts"}
    | {".wmv", ".asf", ".flv", ".ogv", ".dv", ".mxf"}
)
# Folders of copies, thumbnails and deleted files, which photo programs and systems keep among the photos
SYSTEM_FOLDERS = (
    *("@eaDir", "#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot"),
    *("$RECYCLE.BIN", "RECYCLER", "System Volume Information", "lost+found", "__MACOSX"),
    *("*.lrdata", "*.photoslibrary/resources", "*.aplibrary/Thumbnails", "*.aplibrary/Previews"),
    *("CaptureOne/Cache", "*.cocatalog/Cache", "digikam-thumbnails", "mipmaps-*.d"),
)

Reason = Literal["system", "excluded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which entries of a folder are passed over.

    exclude: patterns such as "*.tif" or "rejects" of names, or with a slash, such as "2019/raw*", of the end of a
             path; files and folders that match are passed over
    include: patterns of hidden entries and SYSTEM_FOLDERS that are not to be passed over
    videos:  whether videos are found, too
    on_skip: called with the path of every entry that `exclude` matches and of every system folder, and which it is
    """

    exclude: Sequence[str] = ()
    include: Sequence[str] = ()
    videos: bool = False
    on_skip: Callable[[str, Reason], None] = field(default=lambda path, reason: None)

    def takes(self, path: str, *, is_folder: bool) -> bool:
        name = os.path.basename(path)  # noqa: PTH119 -- a walk of millions
        if self.exclude and _matches(path, name, self.exclude):
            self.on_skip(path, "excluded")
            return False
        if self.include and _matches(path, name, self.include):
            return True
        if name.startswith("."):
            return False
        if is_folder and _matches(path, name, SYSTEM_FOLDERS):
            self.on_skip(path, "system")
            return False
        return True


EVERYTHING = Selection()


def find_photos(paths: Iterable[str | Path], selection: Selection = EVERYTHING) -> Iterator[Path]:
    """Files as they are given; folders walked in order of names, for files with one of PHOTO_SUFFIXES.

    With a selection of `videos` also those with one of VIDEO_SUFFIXES.
    Hidden entries, SYSTEM_FOLDERS and linked folders inside a folder are passed over. A folder that is given or met
    again is not walked again. A folder that cannot be listed is yielded itself, so that decoding it says so.
    """
    return map(Path, photo_names(paths, selection))


def photo_names(paths: Iterable[str | Path], selection: Selection = EVERYTHING) -> Iterator[str]:
    """What `find_photos` finds, as text: where there are very many, a Path each would be half of the work."""
    walked: set[tuple[int, int]] = set()
    for path in map(str, map(Path, paths)):
        if os.path.isdir(path):  # noqa: PTH112 -- unlike Path.is_dir it never raises
            yield from _walk(path, selection, walked)
        else:
            yield path


def is_photo(name: str) -> bool:
    """Whether a file of this name counts as a photo."""
    return _suffix(name) in PHOTO_SUFFIXES


def is_raw_name(name: str) -> bool:
    """Whether camera raw files have names like this one."""
    return _suffix(name) in RAW_SUFFIXES


def is_video_name(name: str) -> bool:
    """Whether videos have names like this one."""
    return _suffix(name) in VIDEO_SUFFIXES


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 -- a walk of millions


def skip_reasons(path: str, selection: Selection) -> set[Reason]:
    """Why a search of folders skips this path: for itself, or for a folder that it is in. Hidden ones do not count."""
    reasons: set[Reason] = set()
    asking = replace(selection, on_skip=lambda _path, reason: reasons.add(reason))
    for folder in PurePath(path).parents:
        asking.takes(str(folder), is_folder=True)
    asking.takes(path, is_folder=False)
    return reasons


def _walk(folder: str, selection: Selection, walked: set[tuple[int, int]]) -> Iterator[str]:
    """Without recursion: folders may be nested more deeply than Python's stack."""
    stack: list[Iterator[os.DirEntry[str]]] = []
    entered: str | None = folder
    while True:
        if entered is not None:
            try:
                stack.append(iter(_entries(entered, walked)))
            except OSError:
                yield entered
            entered = None
        if not stack:
            return
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
            continue
        path = entry.path.removeprefix("./") if folder == "." else entry.path
        if _is_folder(entry, follow_links=False):
            if selection.takes(path, is_folder=True):
                entered = path
        elif (
            (is_photo(entry.name) or (selection.videos and is_video_name(entry.name)))
            and not _is_folder(entry, follow_links=True)
            and selection.takes(path, is_folder=False)
        ):
            yield path


def _entries(folder: str, walked: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """The entries of a folder in the order of their names; none if it was walked before."""
    stat = os.stat(folder)  # noqa: PTH116 -- a walk of millions
    identity = (stat.st_dev, stat.st_ino)
    if identity in walked:
        return []
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    walked.add(identity)
    return entries


def _is_folder(entry: os.DirEntry[str], *, follow_links: bool) -> bool:
    """False also for a link that leads to itself or where one may not look: opening it as a photo says why."""
    try:
        return entry.is_dir(follow_symlinks=follow_links)
    except OSError:
        return False


def _matches(path: str, name: str, patterns: Iterable[str]) -> bool:
    slashed = path.replace(os.sep, "/")
    return any(
        fnmatch(slashed, f"*/{pattern}") or slashed == pattern if "/" in pattern else fnmatch(name, pattern)
        for pattern in patterns
    )
