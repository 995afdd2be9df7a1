"""May a JPEG be decoded at a smaller fraction of its size? `python benchmarks/jpeg_fractions.py PHOTOS [--side 4000]`.

Every photo of a folder is written as a JPEG (quality 92) with a long side of --side pixels and scored by the default
model, in float32, after decoding whole, at the fraction that rgnet takes, and at the smallest one that still has the
pixels of the network's input. Prints what each fraction changes, and the processor time of decoding.
"""

from __future__ import annotations

import argparse
import time
from io import BytesIO
from pathlib import Path

import numpy as np
from measure import describe_machine
from PIL import Image

import rgnet
from rgnet.cli.progress import track
from rgnet.errors import PhotoError
from rgnet.evaluation.metrics import srcc
from rgnet.imaging.decode import decode
from rgnet.text import markdown_table

# Of `decode`: so many times the pixels that are needed, along each side
OVERSAMPLING = {"whole": 10_000, "as rgnet decodes": 2, "as small as possible": 1}
QUALITY = 92


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("photos", type=Path)
    options.add_argument("--side", type=int, default=4000)
    chosen = options.parse_args()
    scorer = rgnet.load(precision="f32")
    size = scorer.card.preprocess.size
    files = sorted(path for path in chosen.photos.rglob("*") if path.is_file())
    scores, seconds = [], []
    for file in track(files, total=len(files), description="photos"):
        try:
            jpeg = write_jpeg(decode(file).image, chosen.side)
        except PhotoError:
            continue
        photos, took = zip(*(timed_decode(jpeg, size, times) for times in OVERSAMPLING.values()), strict=True)
        scores.append([record.score for record in scorer.score_many(photos)])
        seconds.append(took)
    score_FN = np.array(scores).T
    print(f"{score_FN.shape[1]} photos, {describe_machine()}\n")
    heads = ("decoded", "mean change", "mean absolute", "largest", "ranks", "ms of decoding")
    rows = [
        describe(name, score_N - score_FN[0], srcc(score_N, score_FN[0]), took)
        for name, score_N, took in zip(OVERSAMPLING, score_FN, np.mean(seconds, axis=0), strict=True)
    ]
    print(markdown_table(heads, rows))


def write_jpeg(photo: Image.Image, side: int) -> bytes:
    share, stream = side / max(photo.size), BytesIO()
    size = round(share * photo.width), round(share * photo.height)
    photo.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def timed_decode(jpeg: bytes, size: int, oversampling: int) -> tuple[np.ndarray, float]:
    start = time.process_time()
    photo = decode(jpeg, at_least=(size, size), oversampling=oversampling)
    return np.asarray(photo.image), time.process_time() - start


def describe(name: str, change_N: np.ndarray, ranks: float, seconds: float) -> tuple[str, ...]:
    size_N = abs(change_N)
    return (
        name,
        f"{change_N.mean():+.4f}",
        f"{size_N.mean():.4f}",
        f"{size_N.max():.3f}",
        f"{ranks:.4f}",
        f"{1000 * seconds:.1f}",
    )


if __name__ == "__main__":
    main()
