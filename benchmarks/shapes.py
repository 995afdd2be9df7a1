"""The cost and the effect of preserving a photo's aspect ratio (`rgnet score --fit keep`).

    python benchmarks/shapes.py [--photos FOLDER] [--labels PARA --copies PHOTOS] [--json FILE]

Prints, all measured in this one run, two cores:
  cost     each shape's pixels and seconds a photo over the square's (batches of eight, medians of ROUNDS runs), and
           seconds of the first photo of a shape that was not met before
  change   photos that are not square (scikit-image's; --photos for your own): how far a score moves from the square's
  rated    with --labels: photos of PARA that the model did not learn from and whose EXIF block still names the size
           that they had before PARA's copy was squashed to 224 x 224: rank correlation with people when seen as the
           square copy, and when stretched back to their shape. The copy is enlarged along its longer side, and the
           model takes blur for a flaw; `small` is the same at 176 x 176 pixels, where hardly a side is enlarged.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import skimage.data
from measure import CORES, ROUNDS, describe_machine, use_two_cores, write_figures
from PIL import Image

from rgnet.datasets import load
from rgnet.datasets.records import RatedPhoto
from rgnet.evaluation.compare import paired_difference
from rgnet.evaluation.metrics import srcc
from rgnet.imaging.discovery import find_photos
from rgnet.imaging.prepare import Prepared
from rgnet.imaging.preprocess import shapes
from rgnet.scorer import Scorer, open_scorer
from rgnet.weights.file import ModelFile, read_model
from rgnet.weights.registry import find_model

BATCH, SMALL = 8, 176
SIZES, ORIENTATION, EXIF = (0xA002, 0xA003), 0x0112, 0x8769
# What skimage brings besides photographs of the world is drawn, measured or seen through a microscope
SAMPLES = ("chelsea.png", "coffee.png", "hubble_deep_field.jpg", "motorcycle_left.png", "rocket.jpg")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--photos", type=Path, help="a folder of photos of many shapes")
    options.add_argument("--labels", type=Path, help="PARA's labels")
    options.add_argument("--copies", type=Path, help="PARA's photos")
    options.add_argument("--json", type=Path, help="also write the figures to this file")
    chosen = options.parse_args()
    use_two_cores()

    file = read_model(find_model(None))
    figures = {"machine": describe_machine(), "model": file.card.name, "cost": cost(file)}
    figures["change"] = change(file, chosen.photos)
    if chosen.labels:
        figures["rated"] = rated(file, chosen.labels, chosen.copies)
    print(json.dumps(figures, indent=2))
    write_figures(chosen.json, figures)


def fitted(file: ModelFile, fit: str, size: int | None = None) -> Scorer:
    preprocess = replace(file.card.preprocess, size=size or file.card.preprocess.size)
    card = replace(file.card, preprocess=preprocess)
    return open_scorer(replace(file, card=card), engine="openvino", precision="f32", threads=CORES, fit=fit)


def cost(file: ModelFile) -> dict:
    engine, found, square = fitted(file, "keep").engine, {}, None
    size = file.card.preprocess.size
    for width, height in shapes(size, file.card.preprocess.multiple):
        pixels = np.random.default_rng(0).integers(0, 256, (BATCH, height, width, 3), dtype=np.uint8)
        first, *later = (seconds_of(engine, part) for part in (pixels[:1], *[pixels] * (ROUNDS + 1)))
        spent = median(later[1:]) / BATCH
        square = square or spent
        found[f"{width} x {height}"] = {
            "pixels_x": round(width * height / size**2, 3),
            "seconds_x": round(spent / square, 3),
            "first_s": round(first, 3),
        }
    return found


def seconds_of(engine, pixels: np.ndarray) -> float:
    start = time.perf_counter()
    engine.run(pixels)
    return time.perf_counter() - start


def change(file: ModelFile, folder: Path | None) -> dict:
    """Photos large enough not to be enlarged, and not square."""
    samples = [Path(skimage.data.__file__).parent / name for name in SAMPLES]
    paths = list(find_photos([folder])) if folder else samples
    keep, square = (fitted(file, fit).score_many(paths) for fit in ("keep", "squash"))
    pairs = [
        (one, other)
        for one, other in zip(keep, square, strict=True)
        if one.ok and one.notes and not any(note.startswith("small") for note in one.notes)
    ]
    moved_N = np.array([one.score - other.score for one, other in pairs])
    return {
        "photos": len(pairs),
        **moves(moved_N),
        "srcc": round(srcc(*np.array([(one.score, other.score) for one, other in pairs]).T), 4),
        "ratios": ratios([(one.width, one.height) for one, _ in pairs], moved_N),
    }


def moves(moved_N: np.ndarray) -> dict[str, float]:
    """In points of the scale; up: with its sign."""
    return {
        "mean": round(float(np.abs(moved_N).mean()), 4),
        "largest": round(float(np.abs(moved_N).max()), 4),
        "up": round(float(moved_N.mean()), 4),
    }


def ratios(sizes: Sequence[tuple[int, int]], moved_N: np.ndarray) -> dict[str, dict]:
    """The same by how far the photo is from a square."""
    long_N = np.array([max(size) / min(size) for size in sizes])
    parts = {
        "under 1.42": long_N < 1.42,
        "1.42 to 1.7": (long_N >= 1.42) & (long_N < 1.7),
        "above": long_N >= 1.7,
    }
    return {
        name: {"photos": int(part_N.sum()), **moves(moved_N[part_N])}
        for name, part_N in parts.items()
        if part_N.any()
    }


def rated(file: ModelFile, labels: Path, copies: Path) -> dict:
    data = load(labels, copies)
    known = list(with_shape([*data.held_out, *data.test]))
    mean_N = np.array([photo.mean for photo, _, _ in known])
    found: dict = {"photos": len(known), "of": len(data.held_out) + len(data.test)}
    for name, size in {"usual": None, "small": SMALL}.items():
        keep_N, square_N = (scores(fitted(file, fit, size), known) for fit in ("keep", "squash"))
        gain = paired_difference(srcc, keep_N, square_N, mean_N)
        found[name] = {
            "srcc_keep": round(gain.a, 4),
            "srcc_squash": round(gain.b, 4),
            "keep_less_squash": str(gain.difference),
            "p": round(gain.p, 4),
            **moves(keep_N - square_N),
            "ratios": ratios([size for _, _, size in known], keep_N - square_N),
        }
    return found


def with_shape(photos: Sequence[RatedPhoto]) -> Iterator[tuple[RatedPhoto, Image.Image, tuple[int, int]]]:
    """Photos that were not square, their copies, and (width, height) before PARA squashed them."""
    for photo in photos:
        with Image.open(photo.path) as copy:
            size = size_in(copy.getexif())
            if size and size[0] != size[1]:
                yield photo, copy.convert("RGB"), size


def size_in(exif: Image.Exif) -> tuple[int, int] | None:
    """Of the upright photo; None where the block does not say, or says no size that a camera gives."""
    width, height = (exif.get_ifd(EXIF).get(tag) for tag in SIZES)
    if not (isinstance(width, int) and isinstance(height, int) and min(width, height) >= 300):
        return None
    return (height, width) if exif.get(ORIENTATION, 1) >= 5 else (width, height)


def scores(scorer: Scorer, known: Sequence[tuple[RatedPhoto, Image.Image, tuple[int, int]]]) -> np.ndarray:
    found = []
    for start in range(0, len(known), 4 * BATCH):
        part = known[start : start + 4 * BATCH]
        seen = [Prepared(scorer.preprocess(copy, of=size), *size, ()) for _, copy, size in part]
        found += [record.score for record in scorer.score_prepared([photo.key for photo, _, _ in part], seen)]
    return np.array(found)


if __name__ == "__main__":
    main()
