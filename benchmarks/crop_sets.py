"""Crops against those that people chose: GAIC, FCDB and FLMS, which their authors offer for download.

python benchmarks/crop_sets.py gaic FOLDER      images/test/*.jpg and annotations/test/*.txt
python benchmarks/crop_sets.py fcdb FOLDER      cropping_testing_set.json and data/*.jpg
python benchmarks/crop_sets.py flms FOLDER      500_image_dataset.mat and image/*.jpg

GAIC: people rated some ninety crops of each photo; whether scores order them alike (SRCC, and Acc K/N: how many of the
K best by score are among the N best by rating). FCDB and FLMS: people drew crops; how far the advice for a crop of that
shape and size lies from theirs (IoU; boundary displacement, a share of the photo's sides). Published figures choose
shape and size, too, and so are of another task.

Shape letters: C crops of a photo
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

import rgnet
from rgnet.culling.crops import estimates, find_crop, open_crop_pool
from rgnet.faces.detection import FaceDetector
from rgnet.imaging.crop import Box
from rgnet.imaging.decode import Photo, decode
from rgnet.imaging.prepare import to_prepared
from rgnet.imaging.workers import DecodePool
from rgnet.scorer import Scorer, score_in_batches

_INVALID = -2
_SIZES = 0.3, 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """box_C4: (left, top, right, bottom) in pixels of each crop; rating_C: of people, where they rated"""

    photo: Path
    box_C4: np.ndarray
    rating_C: np.ndarray | None = None


# --- the annotations as they are published ---------------------------------------------------------------


def read_gaic(folder: Path, split: str = "test") -> Iterator[Sample]:
    """A text file for each photo: top, left, bottom, right and rating of a crop on each line; -2 is no rating."""
    for photo in sorted((folder / "images" / split).glob("*.jpg")):
        table = np.loadtxt(folder / "annotations" / split / f"{photo.stem}.txt", ndmin=2)
        table = table[table[:, 4] != _INVALID]
        yield Sample(photo, table[:, [1, 0, 3, 2]], table[:, 4])


def read_fcdb(folder: Path) -> Iterator[Sample]:
    """One JSON list: url, which ends in the photo's name, and crop: left, top, width, height. Photos may be lost."""
    for entry in json.loads((folder / "cropping_testing_set.json").read_text()):
        photo = folder / "data" / entry["url"].rpartition("/")[2]
        left, top, width, height = entry["crop"]
        if photo.exists():
            yield Sample(photo, np.array([[left, top, left + width, top + height]]))


def read_flms(folder: Path) -> Iterator[Sample]:
    """A MATLAB file: name and up to ten crops of each photo: top, left, bottom, right; -1 is no crop."""
    from scipy.io import loadmat

    for row in loadmat(folder / "500_image_dataset.mat")["img_gt"]:
        name, box_C4 = row[0][0], row[0][1]
        kept_C4 = box_C4[(box_C4 >= 0).all(1)][:, [1, 0, 3, 2]]
        if len(kept_C4):
            yield Sample(folder / "image" / str(np.ravel(name)[0]), kept_C4)


# --- metrics ---------------------------------------------------------------------------------------------


def find_overlap(box: Sequence[float], box_C4: np.ndarray) -> np.ndarray:
    """(C,) intersection over union."""
    low_C2, high_C2 = np.maximum(box[:2], box_C4[:, :2]), np.minimum(box[2:], box_C4[:, 2:])
    common_C = np.clip(high_C2 - low_C2, 0, None).prod(1)
    area_C = (box_C4[:, 2:] - box_C4[:, :2]).prod(1)
    return common_C / (area_C + np.subtract(box[2:], box[:2]).prod() - common_C)


def find_displacement(box: Sequence[float], box_C4: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(C,) mean distance of the four sides, as shares of the photo's width and height."""
    return (np.abs(box_C4 - box) / (size * 2)).mean(1)


def count_hits(score_C: np.ndarray, rating_C: np.ndarray, best: int, among: int) -> float:
    """Share of the `best` crops by score that are among so many best ones by rating."""
    wanted = set(np.argsort(-rating_C, kind="stable")[:among].tolist())
    return float(np.mean([index in wanted for index in np.argsort(-score_C, kind="stable")[:best]]))


# --- evaluation ------------------------------------------------------------------------------------------


def compare_ratings(samples: Sequence[Sample], scorer: Scorer) -> dict[str, dict[str, float]]:
    """Of each crop's score as a photo, and of its estimate from the photo's map, the mean over photos."""
    found: dict[str, list[dict[str, float]]] = {"score": [], "estimate": []}
    for sample in samples:
        photo = decode(sample.photo)
        score_C, estimate_C = _judge(photo, sample.box_C4, scorer)
        for name, value_C in (("score", score_C), ("estimate", estimate_C)):
            found[name].append(_rank(value_C, sample.rating_C))
    return {name: _mean(rows) for name, rows in found.items()}


def _judge(photo: Photo, box_C4: np.ndarray, scorer: Scorer) -> tuple[np.ndarray, np.ndarray]:
    size = photo.width, photo.height
    whole = scorer.score_prepared(["photo"], [to_prepared(photo, scorer.preprocess)], regions=True)[0]
    boxes = [Box(*(box / (size * 2)).clip(0, 1).tolist()) for box in box_C4]
    pixels = [box.pixels(*photo.image.size) for box in boxes]
    parts = (Photo(photo.image.crop(each), each[2] - each[0], each[3] - each[1]) for each in pixels)
    scores = score_in_batches(scorer, (to_prepared(part, scorer.preprocess) for part in parts))
    return np.array(scores), estimates(whole, boxes, scorer)


def _rank(value_C: np.ndarray, rating_C: np.ndarray | None) -> dict[str, float]:
    assert rating_C is not None
    row = {"SRCC": float(spearmanr(value_C, rating_C).statistic)}
    for among in (5, 10):
        hits = [count_hits(value_C, rating_C, best, among) for best in range(1, 5)]
        row |= {f"Acc {best}/{among}": hit for best, hit in enumerate(hits, 1)}
    return row


def compare_places(
    samples: Sequence[Sample], scorer: Scorer, pool: DecodePool, detector: FaceDetector
) -> dict[str, dict[str, float]]:
    """Of the advice and of the crop in the middle, both of the shape of the first crop that people drew."""
    found: dict[str, list[dict[str, float]]] = {"rgnet": [], "middle": []}
    for sample in samples:
        ratio, size = _find_shape(sample)
        search = find_crop(str(sample.photo), scorer, ratio, size=size, pool=pool, detector=detector)
        sides = search.photo.width, search.photo.height
        for name, box in (("rgnet", search.best.box), ("middle", search.centre.box)):
            overlap_C = find_overlap(box.pixels(*sides), sample.box_C4)
            best = int(overlap_C.argmax())
            moved = find_displacement(box.pixels(*sides), sample.box_C4[[best]], sides)[0]
            found[name].append({"IoU": float(overlap_C[best]), "displacement": float(moved)})
    return {name: _mean(rows) for name, rows in found.items()}


def _find_shape(sample: Sample) -> tuple[float, float]:
    """(ratio, size) as `rgnet crop` takes them."""
    photo = decode(sample.photo)
    left, top, right, bottom = sample.box_C4[0]
    ratio = float((right - left) / (bottom - top))
    size = (right - left) / min(photo.width, photo.height * ratio)
    return ratio, float(np.clip(size, *_SIZES))


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.nanmean([row[name] for row in rows])) for name in rows[0]}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("set", choices=("gaic", "fcdb", "flms"))
    words.add_argument("folder", type=Path)
    words.add_argument("--model")
    words.add_argument("--photos", type=int, help="only the first ones")
    chosen = words.parse_args()
    read = {"gaic": read_gaic, "fcdb": read_fcdb, "flms": read_flms}[chosen.set]
    samples, scorer = list(read(chosen.folder))[: chosen.photos], rgnet.load(chosen.model)
    if chosen.set == "gaic":
        found = compare_ratings(samples, scorer)
    else:
        with open_crop_pool() as pool:
            found = compare_places(samples, scorer, pool, FaceDetector())
    print(f"{chosen.set}, {len(samples)} photos, {scorer.card.name} {scorer.card.short_hash}")
    for name, row in found.items():
        print(f"{name:10}", "  ".join(f"{metric} {value:.3f}" for metric, value in row.items()))


if __name__ == "__main__":
    main()
