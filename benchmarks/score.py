"""Scoring speed and memory on two cores, next to its upper bound: `python benchmarks/score.py [--json FILE]`.

Prints, all measured in this one run:
  photos_per_s        `Scorer.score_many` over a folder of 12-megapixel JPEG files, default model
  bound_photos_per_s  what decoding and resizing plus inference alone would allow on the same cores
  shares              of the two cores' time: decode and resize, inference, the rest
  peak_mb             peak memory of `rgnet score` over 100 and over 2,000 photos
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from measure import CORES, describe_machine, median_seconds, use_two_cores, write_figures

PHOTOS = 100


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--json", type=Path, help="also write the figures to this file")
    options.add_argument("--photos", type=Path, help="keep the 12-megapixel photos here for the next run")
    options.add_argument("--skip", nargs="*", default=[], choices=["folder", "memory"])
    chosen = options.parse_args()
    use_two_cores()

    figures: dict = {"machine": describe_machine()}
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.photos or Path(scratch) / "photos"
        parts = {"folder": folder_rate, "memory": memory}
        for name, part in parts.items():
            if name not in chosen.skip:
                figures |= part(folder)
                print(json.dumps(figures, indent=2), flush=True)
    write_figures(chosen.json, figures)


def folder_rate(folder: Path) -> dict:
    """End to end over a folder, and its two parts alone on the same cores."""
    import numpy as np
    from photos import twelve_megapixels

    import rgnet
    from rgnet.imaging.decode import decode

    paths = twelve_megapixels(folder, PHOTOS)
    scorer = rgnet.load(threads=CORES)
    preprocess = scorer.card.preprocess
    size = preprocess.target(4000, 3000)
    pixels = np.stack([preprocess(decode(path, at_least=size).image) for path in paths])

    def score() -> None:
        assert all(record.ok for record in scorer.score_many(paths))

    def decode_all() -> None:
        with ThreadPoolExecutor(CORES) as pool:
            list(pool.map(lambda path: preprocess(decode(path, at_least=size).image), paths))

    def infer_all() -> None:
        for start in range(0, PHOTOS, 8):
            scorer.engine.run(pixels[start : start + 8])

    whole, decoding, inference = (median_seconds(work) for work in (score, decode_all, infer_all))
    return {
        "model": scorer.card.name,
        "engine": scorer.engine_name,
        "photos_per_s": round(PHOTOS / whole, 1),
        "bound_photos_per_s": round(PHOTOS / (decoding + inference), 1),
        "shares": {
            "decode_and_resize": round(decoding / whole, 3),
            "inference": round(inference / whole, 3),
            "rest": round(1 - (decoding + inference) / whole, 3),
        },
    }


def memory(_folder: Path) -> dict:
    """Peak resident memory of the command over small folders and large ones (the same photos again)."""
    from photos import twelve_megapixels

    peaks = {}
    with tempfile.TemporaryDirectory() as scratch:
        originals = twelve_megapixels(Path(scratch) / "originals", 10)
        for count in (100, 2000):
            folder = Path(scratch) / str(count)
            folder.mkdir()
            for index in range(count):
                os.link(originals[index % 10], folder / f"{index:05d}.jpg")
            peaks[count] = peak_of(
                [sys.executable, "-m", "rgnet", "score", str(folder), "-o", f"{scratch}/{count}.csv"]
            )
    return {"peak_mb": peaks}


def peak_of(command: list[str]) -> int:
    """Peak megabytes of any child so far; the larger folder is run last, so its peak shows if it is higher."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024


if __name__ == "__main__":
    main()
