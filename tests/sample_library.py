"""A library of tiny photos, a scorer without a network, and decoders that do harm; as a script, a scan to be killed.

python sample_library.py FOLDER CATALOGUE
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from rgnet.architecture import Architecture
from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.queries import find_failed, find_scored
from rgnet.catalogue.scan import Scan
from rgnet.catalogue.selects import Filter
from rgnet.errors import PhotoDamaged, PhotoError
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob, run_job
from rgnet.imaging.preprocess import Preprocess
from rgnet.results import Record, RegionMap, ScoredPhoto, ScoreFailure
from rgnet.weights.card import ModelCard, Scale

PAST = time.time() - 3600


def make_card(name: str = "brightness") -> ModelCard:
    return ModelCard(
        name=name,
        architecture=Architecture(head="score"),
        preprocess=Preprocess(size=16),
        scale=Scale(low=0.0, high=255.0, people="nobody", quantiles=(0.0, 255.0)),
        licence="none",
        sha256=name.encode().hex() * 8,
    )


MODEL = make_card().short_hash


class BrightnessScorer:
    """Scores a photo by its mean brightness."""

    def __init__(self, name: str = "brightness") -> None:
        self.card = make_card(name)
        self.preprocess = self.card.preprocess

    def score_prepared(self, sources, photos, *, regions=False, features=False) -> list[Record]:
        return [self.record(source, photo, features) for source, photo in zip(sources, photos, strict=True)]

    def record(self, source: str, photo, features: bool = False) -> Record:
        if isinstance(photo, PhotoError):
            return self.make_failure(source, photo)
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
            features=np.array([score, photo.width], np.float16) if features else None,
            **self._known(source),
        )

    def make_failure(self, source: str, problem: PhotoError) -> ScoreFailure:
        return ScoreFailure(error=problem.message, **self._known(source))

    def _known(self, source: str) -> dict[str, str]:
        return {
            "path": source,
            "model": self.card.name,
            "model_hash": self.card.short_hash,
            "engine": "none",
        }


def make_photo(path: Path | str, grey: int, *, size: tuple[int, int] = (20, 18)) -> Path:
    """A photo of one grey, written an hour ago, so that its date leaves no doubt."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:  # noqa: PTH123 -- the name may be no text
        Image.new("L", size, grey).save(file, "PNG")
    os.utime(path, (PAST, PAST))
    return Path(path)


def scan_folders(
    *folders: Path, file: Path, name: str = "brightness", **options
) -> tuple[dict[str, str], int]:
    """(what came of every file, how many are missing)."""
    outcomes: dict[str, str] = {}
    with Catalogue.open(file, create=True) as catalogue:
        scan = Scan(
            catalogue,
            make_card(name),
            lambda: BrightnessScorer(name),
            lambda path, outcome, _: outcomes.update({path: outcome}),
            processes=2,
            **options,
        )
        return outcomes, scan.run(list(folders))


def scan_folder(folder: Path, file: Path, **options) -> tuple[dict[str, str], int]:
    return scan_folders(folder, file=file, **options)


def count_outcomes(outcomes: dict[str, str]) -> dict[str, int]:
    return dict(Counter(outcomes.values()))


def read_scores(file: Path, **wanted) -> dict[str, float]:
    """The score of every path that matches a filter, best first."""
    with Catalogue.open(file) as catalogue:
        rows = find_scored(catalogue, Filter(model=MODEL, **wanted))
        return {row.record.path: row.record.score for row in rows}


def read_errors(file: Path) -> dict[str, str]:
    """Why there is no score, by path."""
    with Catalogue.open(file) as catalogue:
        return {row.record.path: row.record.error for row in find_failed(catalogue, Filter(model=MODEL))}


# Decoders, found by the decoding process through import


def harmful(job: DecodeJob) -> DecodedPhoto:
    """A photo named crash or killed ends the process, one named hang never ends."""
    stem = Path(str(job.source)).stem
    if stem == "crash":
        os.abort()
    if stem == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if stem == "hang":
        time.sleep(60)
    return run_job(job)


def no_hash_only(job: DecodeJob) -> DecodedPhoto:
    if job.preprocess is None:
        raise PhotoDamaged(str(job.source), "was only hashed", "")
    return run_job(job)


def unopened(job: DecodeJob) -> DecodedPhoto:
    raise PhotoDamaged(str(job.source), "was opened", "")


def hash_only(job: DecodeJob) -> DecodedPhoto:
    if job.preprocess is not None:
        raise PhotoDamaged(str(job.source), "was decoded", "")
    return run_job(job)


if __name__ == "__main__":
    print("scanning", flush=True)
    scan_folder(Path(sys.argv[1]), Path(sys.argv[2]))
