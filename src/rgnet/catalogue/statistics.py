"""A catalogue in numbers: what is counted has the same name and the same meaning as in the gallery and in a report."""

from __future__ import annotations

from dataclasses import dataclass

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.errors import decoding
from rgnet.catalogue.models import find_scale
from rgnet.catalogue.queries import count_failed, count_scored
from rgnet.catalogue.selects import Filter
from rgnet.catalogue.values import required

BARS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Counts of what is there; missing files are in `missing_files` alone.

    files:         paths
    photos:        contents, each counted once however many files have it, and files whose content was never read
    scored_photos: those with a score from the model
    failed_photos: those without one, because they do not decode or cannot be read
    other_photos:  those that the model has not seen yet
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
    missing_files: int
    low: float
    high: float
    bars: tuple[int, ...]
    mean: float | None


def compute_statistics(catalogue: Catalogue, model: str) -> Statistics:
    """Count the photos of a catalogue, with the scores of a model by its hash."""
    wanted, scale = Filter(model=model), find_scale(catalogue, model)
    photos = catalogue.count(
        "SELECT count(DISTINCT photo) + count(CASE WHEN photo IS NULL THEN 1 END) FROM path WHERE gone IS NULL"
    )
    scored = count_scored(catalogue, wanted, once=True)
    failed = count_failed(catalogue, wanted, once=True)
    bars, mean = _spread(catalogue, model, scale.low, scale.high)
    return Statistics(
        files=catalogue.count("SELECT count(*) FROM path WHERE gone IS NULL"),
        photos=photos,
        scored_photos=scored,
        failed_photos=failed,
        other_photos=photos - scored - failed,
        missing_files=catalogue.count("SELECT count(*) FROM path WHERE gone IS NOT NULL"),
        low=scale.low,
        high=scale.high,
        bars=bars,
        mean=mean,
    )


def _spread(
    catalogue: Catalogue, model: str, low: float, high: float
) -> tuple[tuple[int, ...], float | None]:
    """(bars, mean) of the scored photos of which a file is there."""
    query = f"""
        SELECT min({BARS - 1}, max(0, CAST((score - ?) / (? - ?) * {BARS} AS INTEGER))) AS bar,
            count(*) AS photos, sum(score) AS total
        FROM score WHERE model = ? AND score IS NOT NULL
            AND EXISTS (SELECT 1 FROM path WHERE path.photo = score.photo AND gone IS NULL)
        GROUP BY 1"""
    bars, total = [0] * BARS, 0.0
    for row in catalogue.rows(query, (low, high, low, model)):
        with decoding(catalogue.file):
            bars[required(row, "bar", int)] = required(row, "photos", int)
            total += required(row, "total", float)
    return tuple(bars), total / sum(bars) if any(bars) else None
