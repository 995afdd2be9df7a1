"""Rated photos: `load` recognises the data set in a label folder or file, and reads it strictly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rgnet.datasets import aadb, ava, custom, para
from rgnet.datasets.readers import Track, read_header, without_progress
from rgnet.datasets.records import RatedPhoto, RatedPhotos, list_hash
from rgnet.errors import DataError

__all__ = ["RatedPhoto", "RatedPhotos", "list_hash", "load"]

# A file in the label folder -> the reader of its data set; the first that is there counts
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
    track: Track = without_progress,
) -> RatedPhotos:
    """The data set whose labels lie in `labels`, its photos below `photos` (default: below the labels).

    labels:   a folder with one of READERS in it, that file itself, or a table of your own, see `custom.py`
    held_out: number of validation photos drawn from the training photos by `seed`, where the data set has no
              validation list of its own; None: the default of the data set's module
    strict:   refuse what no experiment can use, such as labels without a single photo; False is for `verify`
    track:    progress where photos are read
    Raises DataError where a file is missing or malformed.
    """
    if table := _find_custom_table(labels):
        return custom.load(
            table, photos or table.parent, held_out=held_out, seed=seed, strict=strict, track=track
        )
    folder = labels.parent if labels.is_file() else labels
    read = _find_reader(folder)
    rated = read(folder, photos or folder, held_out=held_out, seed=seed, strict=strict)
    if strict:
        _refuse_without_photos(rated, photos or folder)
    return rated


def _find_custom_table(labels: Path) -> Path | None:
    """A user's own table: any .csv or .parquet file that no data set claims, or a labels.csv without PARA's columns."""
    path = labels / "labels.csv" if labels.is_dir() else labels
    if path.name == "labels.csv" and path.is_file():
        return None if "source_id" in read_header(path) else path
    official = path.name in (*READERS, *para.OFFICIAL.values())
    return path if path.suffix.lower() in custom.SUFFIXES and not official and not labels.is_dir() else None


def _find_reader(labels: Path) -> Callable[..., RatedPhotos]:
    found = next((read for name, read in READERS.items() if (labels / name).exists()), None)
    if found is None:
        raise DataError(
            f"{labels} {'holds no data set that rgnet knows' if labels.exists() else 'does not exist'}: "
            f"looked for {', '.join(READERS)} in it; for a table of your own, name the file itself "
            f"({' or '.join(custom.SUFFIXES)})"
        )
    return found


def has_photos(rated: RatedPhotos) -> bool:
    return any(photo.path.is_file() for photo in rated.all_photos())


def _refuse_without_photos(rated: RatedPhotos, folder: Path) -> None:
    if not has_photos(rated):
        listed = rated.all_photos()
        raise DataError(
            f"none of the {len(listed)} photos of {rated.name} is in {folder}: "
            f"looked for {listed[0].path} first; name their folder with --photos"
        )
