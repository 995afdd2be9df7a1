"""A library of tiny photos, a scorer without a network, and decoders that do harm; as a script, a scan to be killed.

python shelf.py FOLDER CATALOGUE
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from rgnet.architecture import Architecture
from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.scan import Scan
from rgnet.errors import PhotoDamaged, PhotoError
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob, run_job
from rgnet.imaging.preprocess import Preprocess
from rgnet.results import Record, RegionMap, ScoredPhoto, ScoreFailure
from rgnet.weights.card import ModelCard, Scale

PAST = time.time() - 3600


def card(name: str = "brightness") -> ModelCard:
    return ModelCard(
        name=name,
        architecture=Architecture(head="score"),
        preprocess=Preprocess(size=16),
        scale=Scale(low=0.0, high=255.0, people="nobody", quantiles=(0.0, 255.0)),
        licence="none",
        sha256=name.encode().hex() * 8,
    )


class Brightness:
    """Scores a photo by its mean brightness."""

    def __init__(self, name: str = "brightness") -> None:
        self.card = card(name)

    def score_prepared(self, sources, photos, *, regions=False) -> list[Record]:
        return [self.record(source, photo) for source, photo in zip(sources, photos, strict=True)]

    def record(self, source: str, photo) -> Record:
        known = {
            "path": source,
            "model": self.card.name,
            "model_hash": self.card.short_hash,
            "engine": "none",
        }
        if isinstance(photo, PhotoError):
            return ScoreFailure(error=str(photo), **known)
        grey_HW = photo.pixels_HW3.mean(axis=2, dtype=np.float32)
        score = float(grey_HW.mean())
        regions = RegionMap(votes=grey_HW[::8, ::8], weights=np.full((2, 2), 0.25, np.float32))
        return ScoredPhoto(
            score=score,
            percentile=self.card.scale.percentile(score),
            label=None,
            probability=None,
            width=photo.width,
            height=photo.height,
            notes=photo.notes,
            regions=regions,
            **known,
        )


def photo(path: Path, grey: int, *, size: tuple[int, int] = (20, 18)) -> Path:
    """A photo of one grey, written an hour ago, so that its date leaves no doubt."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, grey).save(path)
    os.utime(path, (PAST, PAST))
    return path


def scan(folder: Path, file: Path, *, name: str = "brightness", **options) -> tuple[dict[str, str], int]:
    """(what came of every path, photos gone)."""
    told: dict[str, str] = {}
    with Catalogue.open(file, make=True) as catalogue:
        run = Scan(
            catalogue,
            card(name),
            lambda: Brightness(name),
            lambda path, what, _: told.update({path: what}),
            processes=2,
            **options,
        )
        return told, run.run([folder])


def counts(told: dict[str, str]) -> dict[str, int]:
    return dict(Counter(told.values()))


# Decoders, found by the decoding process through import


def harmful(job: DecodeJob) -> DecodedPhoto:
    """A photo named crash ends the process, one named hang never ends."""
    stem = Path(job.source).stem
    if stem == "crash":
        os.abort()
    if stem == "hang":
        time.sleep(60)
    return run_job(job)


def no_hash_only(job: DecodeJob) -> DecodedPhoto:
    if job.preprocess is None:
        raise PhotoDamaged(f"{job.source}: was only hashed")
    return run_job(job)


def unopened(job: DecodeJob) -> DecodedPhoto:
    raise PhotoDamaged(f"{job.source}: was opened")


def hash_only(job: DecodeJob) -> DecodedPhoto:
    if job.preprocess is not None:
        raise PhotoDamaged(f"{job.source}: was decoded")
    return run_job(job)


if __name__ == "__main__":
    scan(Path(sys.argv[1]), Path(sys.argv[2]))
