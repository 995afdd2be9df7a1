"""AVA: 255,530 photos of dpchallenge.com with counts of ratings 1 to 10 (Murray et al., CVPR 2012).

Expects a label folder with
    AVA.txt            15 whole numbers a line: index, id, ten counts of ratings 1-10, two tags, challenge
    generic_test.jpgl  the official test list, an id a line; here or in aesthetics_image_lists/
    tags.txt           names of the 66 tags, "14 Landscape" a line; without it, scenes are unknown
and photos named ID.jpg anywhere below the photo folder.

All rated photos that are not on the test list are for training; validation photos are drawn from them by a seed,
because AVA has none.
A photo is high where its mean is at least 5 (section 4.1 of the RGNet paper).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rgnet.datasets.readers import photos_by_name, read_lines
from rgnet.datasets.records import RatedPhoto, RatedPhotos, describe_excluded, hold_out
from rgnet.errors import DataError

_HELD_OUT = 2000
_RATINGS_10 = np.arange(1, 11)
_TEST_LISTS = ("generic_test.jpgl", "aesthetics_image_lists/generic_test.jpgl")
_LICENCE = "AVA research-only"
_NOTICE = (
    "Trained on AVA: all rights to its photos are kept by the photographers and dpchallenge.com. Cite 'AVA: A "
    "Large-Scale Database for Aesthetic Visual Analysis' (Murray et al., CVPR 2012). The rgnet code is Apache-2.0; "
    "these weights are for research."
)


def load(
    labels: Path, photos: Path, *, held_out: int | None = None, seed: int = 0, strict: bool = True
) -> RatedPhotos:
    """AVA's official split, with `held_out` (2,000) training photos set aside for validation.

    strict: photos that are not below `photos` are excluded with a note, because many copies of AVA lack some;
            False leaves them on the lists
    """
    rows_N15 = _read_ratings(labels / "AVA.txt")
    test_ids = _read_test_list(labels)
    present = photos_by_name(photos)
    rated = _make_photos(rows_N15, _read_tags(labels / "tags.txt"), present, photos)

    # What the lists name and we lack
    excluded = {"on the official test list without ratings in AVA.txt": sorted(test_ids - rated.keys())}
    if strict and present:
        missing = [key for key, photo in rated.items() if photo.path.name not in present]
        excluded[f"no photo of that name below {photos}"] = missing
        for key in missing:
            del rated[key]
    train, held_out_photos = hold_out(
        [photo for key, photo in rated.items() if key not in test_ids],
        _HELD_OUT if held_out is None else held_out,
        seed=seed,
    )
    return RatedPhotos(
        name="AVA",
        low=1.0,
        high=10.0,
        people="on average 210 members of dpchallenge.com a photo on a scale of 1 to 10 (AVA)",
        train=tuple(train),
        held_out=tuple(held_out_photos),
        test=tuple(photo for key, photo in rated.items() if key in test_ids),
        threshold=5.0,
        bins=tuple(_RATINGS_10.astype(float).tolist()),
        licence=_LICENCE,
        notice=_NOTICE,
        notes=describe_excluded(excluded),
        excluded={reason: tuple(keys) for reason, keys in excluded.items() if keys},
    )


def _read_ratings(path: Path) -> np.ndarray:
    """(N, 15) whole numbers of AVA.txt, every photo rated and listed once."""
    expected = "expected 15 whole numbers a line (index, id, counts of ratings 1-10, two tags, challenge)"
    if not path.is_file():
        raise DataError(f"AVA's ratings are not at {path}: give the folder that holds AVA.txt")
    try:
        rows_N15 = np.loadtxt(path, dtype=np.int64, ndmin=2)
    except ValueError as problem:
        raise DataError(f"{path}: {expected}; {problem}") from problem
    if rows_N15.size == 0 or rows_N15.shape[1] != 15:
        raise DataError(
            f"{path}: {expected}; found {rows_N15.shape[1] if rows_N15.size else 'no line at all'}"
        )
    _refuse_rows(path, rows_N15, np.any(rows_N15[:, 1:] < 0, axis=1), "a number below 0")
    _refuse_rows(path, rows_N15, rows_N15[:, 2:12].sum(1) == 0, "no rating at all")
    _, first, times = np.unique(rows_N15[:, 1], return_index=True, return_counts=True)
    _refuse_rows(path, rows_N15[first], times > 1, "ratings in more than one line")
    return rows_N15


def _refuse_rows(path: Path, rows_N15: np.ndarray, wrong_N: np.ndarray, what: str) -> None:
    if wrong_N.any():
        raise DataError(f"{path}: photo {rows_N15[wrong_N][0, 1]} has {what} ({wrong_N.sum()} photos in all)")


def _read_test_list(labels: Path) -> set[str]:
    path = next((labels / name for name in _TEST_LISTS if (labels / name).is_file()), None)
    if path is None:
        raise DataError(f"AVA's official test list is not in {labels}: expected {' or '.join(_TEST_LISTS)}")
    return {_parse_id(line, f"{path}, line {count}") for count, line in read_lines(path)}


def _parse_id(line: str, where: str) -> str:
    word = line.removesuffix(".jpg")
    if not word.isdecimal():
        raise DataError(f"{where}: expected the id of a photo, found {line!r}")
    return str(int(word))


def _read_tags(path: Path) -> dict[int, str]:
    """{14: "Landscape", ...}; {} where the file is not there."""
    if not path.is_file():
        return {}
    tags = {}
    for count, line in read_lines(path):
        ident, *name = line.split(maxsplit=1)
        if not ident.isdecimal() or not name:
            raise DataError(f"{path}, line {count}: expected a number and a name, found {line!r}")
        tags[int(ident)] = name[0]
    return tags


def _make_photos(
    rows_N15: np.ndarray, tags: dict[int, str], present: dict[str, Path], folder: Path
) -> dict[str, RatedPhoto]:
    """{id: photo}; the mean is a quotient of whole numbers, so that a mean of exactly 5 is 5."""
    count_N10 = rows_N15[:, 2:12]
    votes_N = count_N10.sum(1)
    mean_N = (count_N10 @ _RATINGS_10) / votes_N
    share_N10 = (count_N10 / votes_N[:, None]).tolist()
    scenes = [tags.get(first) or tags.get(second) for first, second in rows_N15[:, 12:14].tolist()]
    keys = map(str, rows_N15[:, 1].tolist())
    columns = zip(keys, mean_N.tolist(), share_N10, scenes, strict=True)
    return {
        key: RatedPhoto(key, present.get(f"{key}.jpg") or folder / f"{key}.jpg", mean, tuple(share), scene)
        for key, mean, share, scene in columns
    }
