"""Which of two photos a person likes better: what is asked, and what was answered."""

from __future__ import annotations

import time
from itertools import combinations

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.errors import decoding
from rgnet.catalogue.values import required
from rgnet.errors import CatalogueError, SettingError

# The taste that is learned, and asked about, where none is named
DEFAULT_TASTE = "mine"
_DRAWN = 40


def choose_pair(catalogue: Catalogue, model: str) -> tuple[int, int]:
    """Two photos by their ids that were not compared yet, whose taste, or else score, differs least.

    Of a few photos that are drawn at random among those with features of the model by its hash: where what was learned
    so far is unsure, an answer teaches most. Raises CatalogueError where there are no two.
    """
    query = f"""SELECT feature.photo AS photo, coalesce(taste.value, score.score) AS value FROM feature
        JOIN score USING (photo, model) LEFT JOIN taste ON taste.photo = feature.photo AND taste.name = ?
        WHERE feature.model = ? AND score.score IS NOT NULL
            AND EXISTS (SELECT 1 FROM path WHERE path.photo = feature.photo AND path.gone IS NULL)
        ORDER BY random() LIMIT {_DRAWN}"""
    with decoding(catalogue.file):
        drawn = [
            (required(row, "photo", int), required(row, "value", float))
            for row in catalogue.rows(query, (DEFAULT_TASTE, model))
        ]
    close = sorted(combinations(drawn, 2), key=lambda pair: abs(pair[0][1] - pair[1][1]))
    for (one, _), (other, _) in close:
        if not _is_answered(catalogue, one, other):
            return one, other
    raise CatalogueError(
        "there are no two photos with features that you have not compared yet: scan with  rgnet scan --features"
    )


def put_preference(catalogue: Catalogue, better: int, other: int, *, equal: bool = False) -> None:
    """Keep an answer; it takes the place of an earlier one about the same two photos. equal: neither is better

    Raises SettingError for a photo and itself, CatalogueError for one that is not there.
    """
    if better == other:
        raise SettingError("a pair: expected two different photos, found the same one twice")
    with catalogue.transaction():
        known = catalogue.count("SELECT count(*) FROM photo WHERE id IN (?, ?)", (better, other))
        if known < 2:
            raise CatalogueError(f"there is no photo {better} or {other}: see /v1/photos for those there are")
        catalogue.execute("DELETE FROM preference WHERE better = ? AND other = ?", (other, better))
        values = (better, other, int(equal), int(time.time()))
        catalogue.execute("INSERT OR REPLACE INTO preference VALUES (?, ?, ?, ?)", values)


def count_preferences(catalogue: Catalogue) -> int:
    return catalogue.count("SELECT count(*) FROM preference")


def _is_answered(catalogue: Catalogue, one: int, other: int) -> bool:
    query = "SELECT count(*) FROM preference WHERE (better = ? AND other = ?) OR (better = ? AND other = ?)"
    return catalogue.count(query, (one, other, other, one)) > 0
