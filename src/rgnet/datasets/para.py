"""PARA: 31,220 photos rated 1-5 by about 25 people each (Yang et al., CVPR 2022).

Expects a label folder with `labels.csv` (columns file, source_id, mean, split at least) and
`exact_duplicates.txt` (a line for each group of byte-identical photos, `name:split` separated by blanks),
and a photo folder below which `file` is found.
"""

from __future__ import annotations

import csv
from pathlib import Path

from rgnet.datasets.records import RatedPhoto, RatedPhotos, hold_out
from rgnet.errors import DataError

NOTICE = (
    "Trained on PARA: for research and learning only. Cite 'Personalized Image Aesthetics Assessment with Rich "
    "Attributes' (Yang et al., CVPR 2022). The rgnet code is Apache-2.0; these weights are not."
)

COLUMNS = ("file", "source_id", "mean", "split")


def load(labels: Path, photos: Path, *, held_out: int = 1500, seed: int = 0) -> RatedPhotos:
    """PARA's official split, with `held_out` training photos set aside for choosing between models.

    Training photos that are byte-identical to a test photo are dropped, and copies of a photo never stand
    on both sides of the training / held-out border. Raises DataError where a file is missing or malformed.
    """
    rows = read_labels(labels / "labels.csv")
    copies = read_copies(labels / "exact_duplicates.txt")
    leaked = {
        name
        for group in copies
        if "test" in group.values()
        for name, side in group.items()
        if side == "train"
    }
    repeated = {name for group in copies for name in sorted(group)[1:]}

    train = [
        photo_of(row, photos) for row in rows if row["split"] == "train" and row["source_id"] not in leaked
    ]
    test = [photo_of(row, photos) for row in rows if row["split"] == "test"]
    single = [photo for photo in train if photo.key not in repeated]
    kept, held = hold_out(single, held_out, seed=seed)
    return RatedPhotos(
        name="PARA",
        low=1.0,
        high=5.0,
        people="about 25 people a photo on a scale of 1 to 5 (PARA)",
        train=tuple(kept),
        held_out=tuple(held),
        test=tuple(test),
        threshold=3.0,
        licence="PARA research-only",
        notice=NOTICE,
        notes=(
            f"{len(leaked)} training photos that are copies of a test photo are dropped",
            f"{len(train) - len(single)} repeated training photos are dropped",
        ),
    )


def read_labels(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise DataError(f"PARA's labels are not at {path}: give the folder that holds labels.csv")
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        lacking = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if lacking:
            raise DataError(f"{path} lacks the columns {', '.join(lacking)}; found {reader.fieldnames}")
        return list(reader)


def read_copies(path: Path) -> list[dict[str, str]]:
    """Groups of identical photos, each {name: split}."""
    if not path.is_file():
        raise DataError(f"{path} is missing: without it test photos would leak into training")
    groups = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        pairs = [word.rpartition(":") for word in line.split()]
        if any(side not in ("train", "test") or not name for name, _, side in pairs):
            raise DataError(f"{path}, line {number}: expected NAME:train or NAME:test, found {line!r}")
        groups.append({name: side for name, _, side in pairs})
    return groups


def photo_of(row: dict[str, str], photos: Path) -> RatedPhoto:
    mean = float(row["mean"])
    if not 1 <= mean <= 5:
        raise DataError(f"{row['source_id']}: a mean of PARA lies in 1 to 5, found {mean}")
    return RatedPhoto(key=row["source_id"], path=photos / row["file"], mean=mean)
