"""A taste learned from a catalogue, and what it says of the photos there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.errors import decoding
from rgnet.catalogue.features import measure_features, read_features, stream_features
from rgnet.catalogue.models import find_scale
from rgnet.catalogue.preferences import DEFAULT_TASTE
from rgnet.catalogue.values import required
from rgnet.errors import CatalogueError, SettingError
from rgnet.taste.file import Taste, TasteCard, check_name, read_taste, taste_file
from rgnet.taste.learner import CrossValidation, Opinions, cross_validate, learn

_MOST_RATINGS = 2000


@dataclass(frozen=True, slots=True)
class Learned:
    """taste: None where cross-validation does not find it better than the generic score."""

    taste: Taste | None
    ratings: int
    pairs: int
    found: CrossValidation


def learn_taste(
    catalogue: Catalogue, model: str, ratings: Mapping[int, int], *, name: str = DEFAULT_TASTE
) -> Learned:
    """A person's taste from ratings of photos by their ids, and the pairs that were answered in the catalogue.

    model: hash of the one whose features and scores are built upon
    Photos without features are left out; of more than 2,000 ratings so many are drawn. Raises DataError below 50
    ratings and answers, SettingError for a name that no taste can have.
    """
    check_name(name)
    _, mean_D, deviation_D = measure_features(catalogue, model)
    opinions = _gather(catalogue, model, _draw(ratings), (mean_D, deviation_D))
    found = cross_validate(opinions)
    ratings_used, pairs = len(opinions.rated), len(opinions.better)
    if not found.gain.value > 0:
        return Learned(None, ratings_used, pairs, found)
    preference = learn(opinions)
    weight_D = preference.weight_D / deviation_D
    card = TasteCard(
        format_version=1,
        name=name,
        ratings=ratings_used,
        pairs=pairs,
        model=find_scale(catalogue, model).name,
        model_hash=model,
        strength=preference.strength,
        bias=preference.bias - float(mean_D @ weight_D),
        generic=(found.generic.value, found.generic.low, found.generic.high),
        personal=(found.personal.value, found.personal.low, found.personal.high),
        gain=(found.gain.value, found.gain.low, found.gain.high),
    )
    return Learned(Taste(card, weight_D.astype(np.float32)), ratings_used, pairs, found)


def _draw(ratings: Mapping[int, int]) -> dict[int, int]:
    """All of them, or as many as are fitted within seconds."""
    if len(ratings) <= _MOST_RATINGS:
        return dict(ratings)
    drawn = np.random.default_rng(0).choice(sorted(ratings), _MOST_RATINGS, replace=False)
    return {int(photo): ratings[int(photo)] for photo in drawn}


def _gather(
    catalogue: Catalogue, model: str, ratings: Mapping[int, int], standard: tuple[np.ndarray, np.ndarray]
) -> Opinions:
    """What was said of photos that have features and a score."""
    answers = _read_answers(catalogue)
    wanted = sorted({*ratings, *(photo for one, other, _ in answers for photo in (one, other))})
    features = read_features(catalogue, model, wanted)
    scores = _read_scores(catalogue, model)
    photos = [photo for photo in wanted if photo in features and photo in scores]
    place = {photo: index for index, photo in enumerate(photos)}
    rated = [photo for photo in photos if photo in ratings]
    pairs = [answer for answer in answers if answer[0] in place and answer[1] in place]
    mean_D, deviation_D = standard
    feature_PD = np.array([features[photo] for photo in photos]).reshape(len(photos), -1 if photos else 0)
    return Opinions(
        feature_PD=(feature_PD - mean_D) / deviation_D if photos else feature_PD,
        score_P=np.array([scores[photo] for photo in photos]),
        rated=np.array([place[photo] for photo in rated], int),
        stars=np.array([ratings[photo] for photo in rated], int),
        better=np.array([place[better] for better, _, _ in pairs], int),
        other=np.array([place[other] for _, other, _ in pairs], int),
        equal=np.array([equal for _, _, equal in pairs], int),
    )


def _read_answers(catalogue: Catalogue) -> list[tuple[int, int, int]]:
    rows = list(
        catalogue.rows("SELECT better, other, equal FROM preference ORDER BY answered, better, other")
    )
    with decoding(catalogue.file):
        return [
            (required(row, "better", int), required(row, "other", int), int(required(row, "equal", int) != 0))
            for row in rows
        ]


def _read_scores(catalogue: Catalogue, model: str) -> dict[int, float]:
    rows = catalogue.rows("SELECT photo, score FROM score WHERE model = ? AND score IS NOT NULL", (model,))
    with decoding(catalogue.file):
        return {required(row, "photo", int): required(row, "score", float) for row in rows}


# --- what it says of photos ------------------------------------------------------------------------------


def open_taste(catalogue: Catalogue, name: str, model: str) -> Taste:
    """The taste of a name, once what it says of every photo with features stands in the catalogue.

    Raises DataError where there is no such taste, or it is damaged; SettingError for one of another model;
    CatalogueError where no photo has features, OutputError where the catalogue cannot be written.
    """
    taste = read_taste(taste_file(name))
    apply_taste(catalogue, taste, model)
    return taste


def apply_taste(catalogue: Catalogue, taste: Taste, model: str) -> None:
    """Write what a taste says of every photo with features that it has not said anything of yet."""
    card = taste.card
    if card.model_hash != model:
        raise SettingError(
            f"the taste {card.name!r} was learned with {card.model} {card.model_hash}, the scores are of {model}: "
            "learn it again with  rgnet taste --learn, or choose that model with --model"
        )
    if not catalogue.count("SELECT EXISTS (SELECT 1 FROM feature WHERE model = ?)", (model,)):
        raise CatalogueError(
            f"{catalogue.file} has no features of {card.model}: scan with  rgnet scan --features FOLDER"
        )
    if not catalogue.count(_MISSING, (card.name, taste.hash, model)):
        return
    scores = _read_scores(catalogue, model)
    knots = _read_percentiles(catalogue, model)
    with catalogue.transaction():
        catalogue.execute("DELETE FROM taste WHERE name = ?", (card.name,))
        for photos, feature_BD in stream_features(catalogue, model):
            added = taste.added(feature_BD).tolist()
            values = [
                (photo, scores[photo] + more)
                for photo, more in zip(photos, added, strict=True)
                if photo in scores
            ]
            rows = [
                (card.name, photo, taste.hash, value, float(np.interp(value, *knots)))
                for photo, value in values
            ]
            catalogue.execute_many("INSERT INTO taste VALUES (?, ?, ?, ?, ?)", rows)


# Whether a photo has features and a score, but nothing of this taste
_MISSING = """SELECT EXISTS (SELECT 1 FROM feature JOIN score USING (photo, model)
    LEFT JOIN taste ON taste.photo = feature.photo AND taste.name = ? AND taste.hash = ?
    WHERE feature.model = ? AND score.score IS NOT NULL AND taste.photo IS NULL)"""


def _read_percentiles(catalogue: Catalogue, model: str) -> tuple[np.ndarray, np.ndarray]:
    """(scores, percentiles) of photos, rising: which percentile a score has, as the model's card says it."""
    query = """SELECT score, max(percentile) AS percentile FROM score
        WHERE model = ? AND score IS NOT NULL GROUP BY score ORDER BY score"""
    rows = list(catalogue.rows(query, (model,)))
    with decoding(catalogue.file):
        scores = [required(row, "score", float) for row in rows]
        return np.array(scores), np.array([required(row, "percentile", float) for row in rows])
