"""A catalogue in numbers: what is counted has the same name and the same meaning as in the gallery and in a report."""

from __future__ import annotations

from dataclasses import dataclass

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.errors import decoding
from rgnet.catalogue.models import find_scale
from rgnet.catalogue.queries import count_failed, count_scored, count_videos
from rgnet.catalogue.selects import Filter, select_scored
from rgnet.catalogue.values import required

BARS = 20

# Paths: the first one that is there of a content, and a raw file whose JPEG or HEIC is there
_FIRST = """gone IS NULL AND NOT EXISTS (SELECT 1 FROM path AS other
    WHERE other.photo = path.photo AND other.path < path.path AND other.gone IS NULL)"""
_CLIP = """EXISTS (SELECT 1 FROM path AS other JOIN score ON score.photo = other.photo
    WHERE other.path = path.still AND other.gone IS NULL AND score.model = ? AND score.score IS NOT NULL)"""
_PAIRED = "EXISTS (SELECT 1 FROM path AS other WHERE other.path = path.pair AND other.gone IS NULL)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Counts of what is there; missing files are in `missing_files` alone.

    files:         paths
    photos:        contents, each counted once however many files have it, and files whose content was never read;
                   a raw file and the JPEG or HEIC beside it are one, and so are the two files of a Live Photo
    scored_photos: those with a score from the model
    failed_photos: those without one, because they do not decode or cannot be read
    other_photos:  those that the model has not seen yet
    videos:        those of the photos that are videos with a score
    paired_files:  raw files that belong to a JPEG or HEIC beside them
    clips:         videos that belong to the picture of a Live Photo
    missing_files: paths that were there once
    low, high:     the model's scale
    bars:          scored photos by score, from low to high in steps of equal width
    mean:          of the scores of the photos; None where there are none
    """

    files: int
    photos: int
    scored_photos: int
    failed_photos: int
    other_photos: int
    videos: int
    paired_files: int
    clips: int
    missing_files: int
    low: float
    high: float
    bars: tuple[int, ...]
    mean: float | None


def compute_statistics(catalogue: Catalogue, model: str) -> Statistics:
    """Count the photos of a catalogue, with the scores of a model by its hash."""
    wanted, scale = Filter(model=model), find_scale(catalogue, model)
    photos = catalogue.count(
        f"SELECT count(*) FROM path WHERE {_FIRST} AND NOT {_PAIRED} AND NOT {_CLIP}", (model,)
    )
    scored = count_scored(catalogue, wanted, once=True)
    failed = count_failed(catalogue, wanted, once=True)
    bars, mean = _spread(catalogue, wanted, scale.low, scale.high)
    return Statistics(
        files=catalogue.count("SELECT count(*) FROM path WHERE gone IS NULL"),
        photos=photos,
        scored_photos=scored,
        failed_photos=failed,
        other_photos=max(0, photos - scored - failed),
        videos=count_videos(catalogue, wanted),
        paired_files=catalogue.count(f"SELECT count(*) FROM path WHERE gone IS NULL AND {_PAIRED}"),
        clips=catalogue.count(f"SELECT count(*) FROM path WHERE gone IS NULL AND {_CLIP}", (model,)),
        missing_files=catalogue.count("SELECT count(*) FROM path WHERE gone IS NOT NULL"),
        low=scale.low,
        high=scale.high,
        bars=bars,
        mean=mean,
    )


def _spread(
    catalogue: Catalogue, wanted: Filter, low: float, high: float
) -> tuple[tuple[int, ...], float | None]:
    """(bars, mean) of the scored photos."""
    scored = select_scored(catalogue, wanted, "score.score AS score", once=True)
    query = f"""
        SELECT min({BARS - 1}, max(0, CAST((score - ?) / (? - ?) * {BARS} AS INTEGER))) AS bar,
            count(*) AS photos, sum(score) AS total
        FROM ({scored.text}) GROUP BY 1"""
    bars, total = [0] * BARS, 0.0
    for row in catalogue.rows(query, (low, high, low, *scored.values)):
        with decoding(catalogue.file):
            bars[required(row, "bar", int)] = required(row, "photos", int)
            total += required(row, "total", float)
    return tuple(bars), total / sum(bars) if any(bars) else None
