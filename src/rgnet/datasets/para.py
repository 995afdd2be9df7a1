"""PARA: 31,220 photos rated 1-5 by about 25 people each (Yang et al., CVPR 2022).

Expects a label folder with either
    PARA-GiaaTrain.csv, PARA-GiaaTest.csv  the official files; here or in annotation/
    labels.csv                             one table of both (columns file, source_id, mean, split at least)
and exact_duplicates.txt, a line for each group of byte-identical photos, `name:split` separated by blanks;
where it is missing the photos themselves are compared. Photos lie below the photo folder as `file` says, or as
imgs/SESSION/NAME.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rgnet.datasets.duplicates import find_identical
from rgnet.datasets.readers import parse_number, read_table
from rgnet.datasets.records import RatedPhoto, RatedPhotos, hold_out
from rgnet.errors import DataError

_HELD_OUT = 1500
_BINS = tuple(1 + step / 2 for step in range(9))
OFFICIAL = {"train": "PARA-GiaaTrain.csv", "test": "PARA-GiaaTest.csv"}
_COUNTS = tuple(f"aestheticScore_{rating:.1f}" for rating in _BINS)
_NOTICE = (
    "Trained on PARA: for research and learning only. Cite 'Personalized Image Aesthetics Assessment with Rich "
    "Attributes' (Yang et al., CVPR 2022). The rgnet code is Apache-2.0; these weights are not."
)

_COLUMNS = ("file", "source_id", "mean", "split")


@dataclass(frozen=True, slots=True)
class _Listed:
    """A photo and its official split, "train" or "test"."""

    photo: RatedPhoto
    split: str


def load(
    labels: Path, photos: Path, *, held_out: int | None = None, seed: int = 0, strict: bool = True
) -> RatedPhotos:
    """PARA's official split, with `held_out` (1,500) training photos set aside for validation.

    Training photos that are byte-identical to a test photo are dropped, and duplicates of a photo are never in both
    training and validation. Raises DataError where a file is missing or malformed.

    strict: without exact_duplicates.txt every photo must be there to be compared; False compares those that are
    """
    listed = _read_labels(labels, photos)
    duplicates = _read_duplicates(labels / "exact_duplicates.txt", listed, strict=strict)
    leaked = {
        name
        for group in duplicates
        if "test" in group.values()
        for name, split in group.items()
        if split == "train"
    }
    repeated = {name for group in duplicates for name in sorted(group)[1:]}

    train = [item.photo for item in listed if item.split == "train" and item.photo.key not in leaked]
    test = [item.photo for item in listed if item.split == "test"]
    single = [photo for photo in train if photo.key not in repeated]
    train_photos, held_out_photos = hold_out(single, _HELD_OUT if held_out is None else held_out, seed=seed)
    again = {photo.key for photo in train} & repeated
    excluded = {
        "training duplicates of a test photo": leaked,
        "training duplicates of a training photo": again,
    }
    return RatedPhotos(
        name="PARA",
        low=1.0,
        high=5.0,
        people="about 25 people a photo on a scale of 1 to 5 (PARA)",
        train=tuple(train_photos),
        held_out=tuple(held_out_photos),
        test=tuple(test),
        threshold=3.0,
        bins=_BINS,
        licence="PARA research-only",
        notice=_NOTICE,
        notes=(
            f"{len(leaked)} training photos that duplicate a test photo are dropped",
            f"{len(again)} repeated training photos are dropped",
        ),
        excluded={reason: tuple(sorted(names)) for reason, names in excluded.items() if names},
    )


def _read_labels(labels: Path, photos: Path) -> list[_Listed]:
    """Every photo of the one table, or else of the two official files."""
    if (labels / "labels.csv").is_file():
        path = labels / "labels.csv"
        return [_parse_row(row, photos, path) for row in read_table(path, _COLUMNS)]
    folder = next(
        (labels / name for name in (".", "annotation") if (labels / name / OFFICIAL["test"]).is_file()), None
    )
    if folder is None:
        raise DataError(
            f"PARA's labels are not at {labels}: give the folder that holds labels.csv, "
            f"or {' and '.join(OFFICIAL.values())}"
        )
    root = photos / "imgs" if (photos / "imgs").is_dir() else photos
    return [
        _Listed(_parse_official_row(row, root, folder / name), split)
        for split, name in OFFICIAL.items()
        for row in read_table(folder / name, ("imageName", "sessionId", "aestheticScore_mean"))
    ]


def _parse_row(row: Mapping[str, str], photos: Path, path: Path) -> _Listed:
    name = row["source_id"]
    if row["split"] not in ("train", "test"):
        raise DataError(f"{path}, {name}: a split of PARA is train or test, found {row['split']!r}")
    counts = row.get("hist_1.0_to_5.0", "").split()
    photo = RatedPhoto(
        key=name,
        path=photos / row["file"],
        mean=_parse_mean(row["mean"], name),
        histogram=_parse_shares(counts, name) if counts else None,
        scene=row.get("semantic") or None,
    )
    return _Listed(photo, row["split"])


def _parse_official_row(row: Mapping[str, str], root: Path, path: Path) -> RatedPhoto:
    name = row["imageName"]
    counts = [row[column] for column in _COUNTS if row.get(column)]
    return RatedPhoto(
        key=name,
        path=root / row["sessionId"] / name,
        mean=_parse_mean(row["aestheticScore_mean"], name),
        histogram=_parse_shares(counts, name) if counts else None,
        scene=row.get("semantic") or None,
    )


def _parse_mean(text: str, name: str) -> float:
    mean = parse_number(text, f"{name}, its mean")
    if not 1 <= mean <= 5:
        raise DataError(f"{name}: a mean of PARA lies in 1 to 5, found {mean}")
    return mean


def _parse_shares(counts: Sequence[str], name: str) -> tuple[float, ...]:
    """Each rating's share of all ratings."""
    votes = [parse_number(text, f"{name}, its ratings") for text in counts]
    if len(votes) != len(_BINS) or min(votes) < 0 or not sum(votes):
        raise DataError(
            f"{name}: expected {len(_BINS)} counts of ratings 1.0 to 5.0, found {' '.join(counts)}"
        )
    return tuple(vote / sum(votes) for vote in votes)


def _read_duplicates(path: Path, listed: Sequence[_Listed], *, strict: bool) -> list[dict[str, str]]:
    """Groups of identical photos, each {name: split}."""
    if path.is_file():
        return list(_parse_duplicates(path))
    missing = [item.photo.path for item in listed if not item.photo.path.is_file()]
    if missing and strict:
        raise DataError(
            f"{path} is missing: without it test photos would leak into training, unless the photos themselves "
            f"can be compared; {len(missing)} of {len(listed)} are not there, {missing[0]} first"
        )
    by_path = {item.photo.path: item for item in listed}
    groups = find_identical([path for path in by_path if path not in set(missing)])
    return [{by_path[path].photo.key: by_path[path].split for path in group} for group in groups]


def _parse_duplicates(path: Path) -> Iterator[dict[str, str]]:
    for count, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        pairs = [word.rpartition(":") for word in line.split()]
        if any(split not in ("train", "test") or not name for name, _, split in pairs):
            raise DataError(f"{path}, line {count}: expected NAME:train or NAME:test, found {line!r}")
        yield {name: split for name, _, split in pairs}
