"""The advice of `rgnet crop` beside smartcrop's (pip install smartcrop) and the middle, all of one size.

python benchmarks/crop_places.py planted                  how much of a planted subject each of them keeps
python benchmarks/crop_places.py FOLDER --ratio 16:9      the score of what each of them cuts out, as a file of its own

Planted: photos of scikit-image, with soft edges, at five places of a ground three times as wide, which is plain or
the photo itself, blurred beyond recognition. Each crop has the subject's shape and height.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import smartcrop
from PIL import Image, ImageFilter, ImageOps

import rgnet
from rgnet.culling.crops import CropSearch, find_crop, open_crop_pool, parse_ratio
from rgnet.faces.detection import FaceDetector
from rgnet.imaging.discovery import find_photos
from rgnet.scorer import Scorer

_SUBJECTS = ("astronaut", "cat", "coffee", "rocket", "camera", "brick")
_PLACES = (0.0, 0.2, 0.5, 0.8, 1.0)
_HEIGHT, _WIDER, _SOFT = 360, 3, 12
_METHODS = ("rgnet", "smartcrop", "middle")
Pixels = tuple[int, int, int, int]


def smart_crop(image: Image.Image, size: tuple[int, int]) -> Pixels:
    """The part of this size that smartcrop takes."""
    found = smartcrop.SmartCrop().crop(image.convert("RGB"), *size, min_scale=1, max_scale=1)["top_crop"]
    left = min(found["x"], image.width - size[0])
    top = min(found["y"], image.height - size[1])
    return left, top, left + size[0], top + size[1]


def find_places(search: CropSearch, image: Image.Image) -> dict[str, Pixels]:
    middle = search.centre.box.pixels(*image.size)
    smart = smart_crop(image, (middle[2] - middle[0], middle[3] - middle[1]))
    return {"rgnet": search.best.box.pixels(*image.size), "smartcrop": smart, "middle": middle}


# --- planted subjects ------------------------------------------------------------------------------------


def plant_subjects() -> Iterator[tuple[str, float, Image.Image, int, int]]:
    """(name, place, photo, the subject's left and right end)"""
    from skimage import data

    for name, place, plain in itertools.product(_SUBJECTS, _PLACES, (True, False)):
        subject = Image.fromarray(getattr(data, name)()).convert("RGB")
        subject = ImageOps.contain(subject, (4 * _HEIGHT, _HEIGHT))
        width = _WIDER * subject.width
        ground = subject.resize((width, _HEIGHT)).filter(ImageFilter.GaussianBlur(_HEIGHT / 4))
        if plain:
            ground = Image.new("RGB", ground.size, ground.resize((1, 1)).getpixel((0, 0)))
        left = round(place * (width - subject.width))
        ground.paste(subject, (left, 0), _soften(subject.size))
        yield f"{name}, {'plain' if plain else 'blurred'}", place, ground, left, left + subject.width


def _soften(size: tuple[int, int]) -> Image.Image:
    inner = Image.new("L", (size[0] - 2 * _SOFT, size[1]), 255)
    mask = Image.new("L", size)
    mask.paste(inner, (_SOFT, 0))
    return mask.filter(ImageFilter.GaussianBlur(_SOFT / 2))


def compare_planted(scorer: Scorer) -> None:
    rows = []
    with open_crop_pool() as pool, tempfile.TemporaryDirectory() as folder:
        detector, file = FaceDetector(), Path(folder, "planted.png")
        for name, place, image, left, right in plant_subjects():
            image.save(file)
            ratio = (right - left) / image.height
            search = find_crop(str(file), scorer, ratio, pool=pool, detector=detector)
            kept = [
                max(0, min(box[2], right) - max(box[0], left)) / (right - left)
                for box in find_places(search, image).values()
            ]
            rows.append((place, kept))
            print(f"{name:20} at {place:.1f}", "  ".join(f"{share:.2f}" for share in kept), flush=True)
    off_centre = [kept for place, kept in rows if place != 0.5]
    for title, some in (("all", [kept for _, kept in rows]), ("not in the middle", off_centre)):
        share = np.array(some)
        for method, column in zip(_METHODS, share.T, strict=True):
            whole = (column >= 0.9).mean()
            print(
                f"{title}, {len(some)} photos, {method}: keeps {column.mean():.3f}, nine tenths in {whole:.2f}"
            )


# --- scores ----------------------------------------------------------------------------------------------


def compare_scores(folder: str, scorer: Scorer, ratio: float, count: int) -> None:
    """Every part is cut out of the photo's file, saved without loss and scored as any photo is."""
    names = [str(path) for path in find_photos([folder])]
    rows, cuts = [], 0
    with open_crop_pool() as pool:
        detector = FaceDetector()
        for name in names[:: max(1, len(names) // count)][:count]:
            search = find_crop(name, scorer, ratio, pool=pool, detector=detector)
            cuts += search.centre_cuts
            with Image.open(name) as opened:
                image = ImageOps.exif_transpose(opened).convert("RGB")
            rows.append([score_part(image, box, scorer) for box in find_places(search, image).values()])
    score_NM = np.array(rows)
    for method, column in zip(_METHODS, score_NM.T, strict=True):
        print(f"{method}: mean score {column.mean():.3f}")
    gain_N, smart_N = score_NM[:, 0] - score_NM[:, 2], score_NM[:, 0] - score_NM[:, 1]
    print(f"{len(rows)} photos; in {cuts} the middle cuts or loses a face")
    print(f"beside the middle: mean {gain_N.mean():+.3f}, worst {gain_N.min():+.3f}, ", end="")
    print(f"below by more than 0.02 in {(gain_N < -0.02).sum()}")
    print(
        f"beside smartcrop: mean {smart_N.mean():+.3f}, lower in {(smart_N < -0.05).sum()}, higher in ",
        end="",
    )
    print((smart_N > 0.05).sum(), "by more than 0.05")


def score_part(image: Image.Image, box: Pixels, scorer: Scorer) -> float:
    file = BytesIO()
    image.crop(box).save(file, "PNG")
    return scorer.score(file.getvalue()).score


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folder", help="of photos, or: planted")
    words.add_argument("--model")
    words.add_argument("--photos", type=int, default=100)
    words.add_argument("--ratio", default="16:9")
    chosen = words.parse_args()
    scorer = rgnet.load(chosen.model)
    print(f"{scorer.card.name} {scorer.card.short_hash}")
    if chosen.folder == "planted":
        compare_planted(scorer)
    else:
        compare_scores(chosen.folder, scorer, parse_ratio(chosen.ratio), chosen.photos)


if __name__ == "__main__":
    main()
