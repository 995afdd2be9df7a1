"""Rated photos: `load` tells what data set a label folder or file holds, and reads it strictly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rgnet.datasets import aadb, ava, custom, para
from rgnet.datasets.readers import read_header, untracked
from rgnet.datasets.records import RatedPhoto, RatedPhotos, list_hash
from rgnet.errors import DataError

__all__ = ["RatedPhoto", "RatedPhotos", "list_hash", "load"]

# What a label folder holds -> its reader, the first that fits
READERS: dict[str, Callable[..., RatedPhotos]] = {
    "AVA.txt": ava.load,
    "imgListTrainRegression_score.txt": aadb.load,
    "imgListFiles_label": aadb.load,
    "AADBinfo.mat": aadb.load,
    "labels.csv": para.load,
    "PARA-GiaaTest.csv": para.load,
    "annotation/PARA-GiaaTest.csv": para.load,
}


def load(
    labels: Path,
    photos: Path | None = None,
    *,
    held_out: int | None = None,
    seed: int = 0,
    strict: bool = True,
    track=untracked,
) -> RatedPhotos:
    """The data set whose labels lie in `labels`, its photos below `photos` (left out: below the labels).

    labels:   a folder with one of READERS in it, that file itself, or a table of your own, see `custom.py`
    held_out: training photos set aside for choosing between models, drawn by `seed`, where the data set has no
              validation list of its own; None: as many as the data set's module says
    strict:   refuse what no experiment can use, such as labels without one photo; False is for `verify`
    track:    progress where photos are read, see `cached_pixels`
    Raises DataError where a file is missing or malformed.
    """
    wanted = {"held_out": held_out, "seed": seed, "strict": strict}
    if own := own_table(labels):
        return custom.load(own, photos or own.parent, **wanted, track=track)
    folder = labels.parent if labels.is_file() else labels
    rated = reader_of(folder)(folder, photos or folder, **wanted)
    if strict:
        refuse_without_photos(rated, photos or folder)
    return rated


def own_table(labels: Path) -> Path | None:
    """A table that is nobody's official one: any of that ending, or a labels.csv without PARA's columns."""
    path = labels / "labels.csv" if labels.is_dir() else labels
    if path.name == "labels.csv" and path.is_file():
        return None if "source_id" in read_header(path) else path
    official = path.name in (*READERS, *para.OFFICIAL.values())
    return path if path.suffix.lower() in custom.SUFFIXES and not official and not labels.is_dir() else None


def reader_of(labels: Path) -> Callable[..., RatedPhotos]:
    found = next((read for name, read in READERS.items() if (labels / name).exists()), None)
    if found is None:
        raise DataError(
            f"{labels} {'holds no data set that rgnet knows' if labels.exists() else 'does not exist'}: "
            f"looked for {', '.join(READERS)} in it; of your own table name the file itself, "
            f"ending in {' or '.join(custom.SUFFIXES)}"
        )
    return found


def any_photo(rated: RatedPhotos) -> bool:
    return any(photo.path.is_file() for listed in rated.sides().values() for photo in listed)


def refuse_without_photos(rated: RatedPhotos, folder: Path) -> None:
    if not any_photo(rated):
        listed = [photo for side in rated.sides().values() for photo in side]
        raise DataError(
            f"none of the {len(listed)} photos of {rated.name} is in {folder}: "
            f"looked for {listed[0].path} first; name their folder with --photos"
        )
