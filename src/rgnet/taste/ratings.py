"""A person's stars from the databases of other programs, opened so that nothing can be written to them.

Lightroom Classic's .lrcat, digiKam's digikam4.db and darktable's library.db are SQLite files. They are opened read-only
and immutable: no lock is taken and no journal made, so what a running program has not saved yet is not seen.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, quote

from rgnet.errors import DataError

Ratings = dict[str, int]

# What a rejected photo counts as, below one star
REJECTED = 0
_MOST = 5
_DARKTABLE_STARS, _DARKTABLE_REJECTED, _DARKTABLE_OLD_REJECTED = 7, 8, 6

_LIGHTROOM = """
SELECT root.absolutePath || folder.pathFromRoot || file.baseName || '.' || file.extension, image.rating, image.pick
FROM Adobe_images AS image
JOIN AgLibraryFile AS file ON image.rootFile = file.id_local
JOIN AgLibraryFolder AS folder ON file.folder = folder.id_local
JOIN AgLibraryRootFolder AS root ON folder.rootFolder = root.id_local
WHERE image.masterImage IS NULL
"""  # virtual copies have a master
_DIGIKAM = """
SELECT root.identifier, root.specificPath, album.relativePath, image.name, information.rating
FROM Images AS image
JOIN Albums AS album ON image.album = album.id
JOIN AlbumRoots AS root ON album.albumRoot = root.id
JOIN ImageInformation AS information ON information.imageid = image.id
WHERE image.status = 1
"""  # 1: neither hidden nor in the trash
_DARKTABLE = """
SELECT roll.folder || '/' || image.filename, image.flags FROM images AS image
JOIN film_rolls AS roll ON image.film_id = roll.id
"""


def read_ratings(file: Path) -> Ratings:
    """Stars 1 to 5, or REJECTED, by the path that the program has for a photo; unrated photos are left out.

    Of several copies or versions of a photo, the highest rating counts. Raises DataError where the file is missing,
    damaged, or of a program that rgnet does not know.
    """
    if not file.is_file():
        raise DataError(f"{file}: expected the database of another program, found no such file")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro&immutable=1", uri=True)) as database:
            tables = {
                name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            }
            read = next((read for table, read in _PROGRAMS.items() if table in tables), None)
            if read is None:
                raise DataError(
                    f"{file} is not a database that rgnet can read: give Lightroom's .lrcat, digikam4.db, or "
                    "darktable's library.db; for a table, use  rgnet evaluate"
                )
            ratings: Ratings = {}
            for path, stars in read(database):
                ratings[path] = max(stars, ratings.get(path, REJECTED))
            return ratings
    except sqlite3.Error as problem:
        raise DataError(
            f"{file} cannot be read ({problem}): close the program that it belongs to, and check the file there"
        ) from problem


def _read_lightroom(database: sqlite3.Connection) -> Iterator[tuple[str, int]]:
    for path, rating, pick in database.execute(_LIGHTROOM):
        if pick == -1:
            yield path, REJECTED
        elif rating and 1 <= rating <= _MOST:
            yield path, round(rating)


def _read_digikam(database: sqlite3.Connection) -> Iterator[tuple[str, int]]:
    for identifier, specific, album, name, rating in database.execute(_DIGIKAM):
        if rating and 1 <= rating <= _MOST:
            # "volumeid:?path=/home/me/Pictures": a root that is a path of its own
            (mounted,) = parse_qs(identifier.partition("?")[2]).get("path", [""])
            parts = [part.strip("/") for part in (mounted, specific, album, name)]
            yield "/" + "/".join(part for part in parts if part), rating


def _read_darktable(database: sqlite3.Connection) -> Iterator[tuple[str, int]]:
    for path, flags in database.execute(_DARKTABLE):
        stars = flags & _DARKTABLE_STARS
        if flags & _DARKTABLE_REJECTED or stars == _DARKTABLE_OLD_REJECTED:
            yield path, REJECTED
        elif 1 <= stars <= _MOST:
            yield path, stars


_PROGRAMS: dict[str, Callable[[sqlite3.Connection], Iterator[tuple[str, int]]]] = {
    "Adobe_images": _read_lightroom,
    "ImageInformation": _read_digikam,
    "film_rolls": _read_darktable,
}
