"""The cost of an evaluation compared with scoring: `python benchmarks/evaluate.py [--photos N] [--json FILE]`.

Scores N photos (3,000) of 1,024 x 768 with `Scorer.score_many`, then evaluates the default model on the same photos
as `rgnet evaluate --output` does, with ratings drawn at random. Prints, measured in this one run:
  photos_per_s     of the evaluation, from the first photo to the written report
  evaluation_x     seconds of the evaluation over seconds of scoring alone
  shares           of its time: scoring; metrics, leaks and slices; report
  decoding_share   of scoring's time that decoding and resizing alone takes on the same cores
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from measure import CORES, describe_machine, write_figures
from photos import SOURCES, make

import rgnet
from rgnet.datasets.records import RatedPhoto, RatedPhotos
from rgnet.evaluation.evaluate import evaluate_predictions
from rgnet.evaluation.predictions import predict
from rgnet.evaluation.report import write_report
from rgnet.imaging.decode import decode

SIZE = (1024, 768)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--photos", type=int, default=3000)
    options.add_argument("--json", type=Path, help="also write the figures to this file")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        figures = measure(Path(scratch), chosen.photos)
    print(json.dumps(figures, indent=2))
    write_figures(chosen.json, figures)


def measure(scratch: Path, count: int) -> dict:
    rated = rated_photos(scratch, count)
    paths = [photo.path for photo in rated.test]
    scorer = rgnet.load(threads=CORES)
    size = (scorer.card.preprocess.size,) * 2
    seconds: dict[str, float] = {}
    list(scorer.score_many(paths[:64]))

    with clock(seconds, "decoding"), ThreadPoolExecutor(CORES) as pool:
        list(pool.map(lambda path: scorer.card.preprocess(decode(path, at_least=size).image), paths))
    with clock(seconds, "score_many"):
        assert all(record.ok for record in scorer.score_many(paths))
    with clock(seconds, "scoring"):
        predictions = predict(scorer, rated, rated.test)
    with clock(seconds, "figures"):
        evaluation = evaluate_predictions(scorer, rated, "test", predictions)
    with clock(seconds, "report"):
        write_report(scratch, evaluation, predictions)

    whole = seconds["scoring"] + seconds["figures"] + seconds["report"]
    return {
        "machine": describe_machine(),
        "model": scorer.card.name,
        "engine": scorer.engine_name,
        "photos": count,
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
        "photos_per_s": round(count / whole, 1),
        "evaluation_x": round(whole / seconds["score_many"], 3),
        "shares": {name: round(seconds[name] / whole, 3) for name in ("scoring", "figures", "report")},
        "decoding_share": round(seconds["decoding"] / seconds["score_many"], 3),
    }


def rated_photos(folder: Path, count: int) -> RatedPhotos:
    """A hundred different photos, each listed as often as it takes, under as many names and ratings."""
    draw = np.random.default_rng(0)
    files = [folder / f"{index:03}.jpg" for index in range(min(count, 100))]
    for index, path in enumerate(files):
        make(SOURCES[index % len(SOURCES)], draw).resize(SIZE).save(path, quality=90)
    photos = [
        RatedPhoto(f"{index:05}", files[index % len(files)], round(float(draw.uniform(1, 5)), 2))
        for index in range(count)
    ]
    return RatedPhotos(
        name="random ratings",
        low=1.0,
        high=5.0,
        people="nobody",
        train=(),
        held_out=(),
        test=tuple(photos),
        threshold=3.0,
    )


@contextmanager
def clock(seconds: dict[str, float], name: str):
    start = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - start


if __name__ == "__main__":
    main()
