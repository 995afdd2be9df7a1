"""What one person likes otherwise than the generic score says: a ridge on a backbone's features.

A photo with s stars teaches s less what the score predicts of this person's stars; a pair of which one is better
teaches that it is worth a star more, less what the scores predict of that. What is learned is put on the scale of the
score, shrunk by n / (n + 10), and added to it.

Shape letters: P photos that somebody said something of · R rows: ratings, then pairs · D features
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rgnet.errors import DataError
from rgnet.evaluation.bootstrap import Estimate, Metric, estimate
from rgnet.taste.agreement import FEW, pairs_in_order

# Ridge strengths for features of unit length. Weaker ones were tried on simulated users (docs/taste.md): little gain,
# and some users lost more than 0.02 in agreement
_STRENGTHS = (10.0, 20.0, 40.0)
_HALF_TRUSTED = 10
# A score that follows none of somebody's stars still counts as if it did so much
_LEAST_CORRELATION = 0.2
_FOLDS, _REPEATS, _MOST_REPEATED = 10, 3, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinions:
    """What a person said of P photos.

    feature_PD: of the backbone, standardised on the library
    score_P:    of the model
    rated, stars:         places among the photos, and their stars
    better, other, equal: places of the two photos of each pair, and whether neither was better
    """

    feature_PD: np.ndarray
    score_P: np.ndarray
    rated: np.ndarray
    stars: np.ndarray
    better: np.ndarray
    other: np.ndarray
    equal: np.ndarray

    @property
    def count(self) -> int:
        return len(self.rated) + len(self.better)

    def rows(self, values: np.ndarray) -> np.ndarray:
        """Values of photos as values of rows: of a pair the difference."""
        return np.concatenate([values[self.rated], values[self.better] - values[self.other]])

    def without(self, photo_P: np.ndarray) -> Opinions:
        """What was said of the other photos, and of pairs of them."""
        rated, pair = ~photo_P[self.rated], ~(photo_P[self.better] | photo_P[self.other])
        return Opinions(
            feature_PD=self.feature_PD,
            score_P=self.score_P,
            rated=self.rated[rated],
            stars=self.stars[rated],
            better=self.better[pair],
            other=self.other[pair],
            equal=self.equal[pair],
        )


@dataclass(frozen=True, slots=True)
class Preference:
    """What is added to a photo's score: weight_D times its standardised features, and bias."""

    weight_D: np.ndarray
    bias: float
    strength: float


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """Share of pairs ordered as the person does, of photos that the taste had not seen: stars, else answered pairs.

    generic: by the score; personal: by the taste; gain: the difference, on the same resamples of photos
    """

    generic: Estimate
    personal: Estimate
    gain: Estimate


def learn(opinions: Opinions) -> Preference:
    """The ridge, its strength chosen by leaving out one row at a time. Needs two rows that differ."""
    is_rating_R = np.repeat([1.0, 0.0], [len(opinions.rated), len(opinions.better)])
    target_R = np.concatenate([opinions.stars.astype(float), 1.0 - opinions.equal])
    slope, rest_R = _calibrate(target_R, opinions.rows(opinions.score_P), is_rating_R)

    # A kernel of photos whose features have unit length on average, without the mean of the ratings
    row_RD = opinions.rows(opinions.feature_PD)
    mean_D = is_rating_R @ row_RD / max(1.0, is_rating_R.sum())
    row_RD = (row_RD - np.outer(is_rating_R, mean_D)) / np.sqrt(row_RD.shape[1])
    value_R, vector_RR = np.linalg.eigh(row_RD @ row_RD.T)
    value_R, part_R = np.maximum(value_R, 0), vector_RR.T @ rest_R

    def error(strength: float) -> float:
        hat_R = vector_RR**2 @ (value_R / (value_R + strength)) + is_rating_R / max(1.0, is_rating_R.sum())
        left_R = rest_R - vector_RR @ (value_R / (value_R + strength) * part_R)
        return float(np.mean((left_R / np.maximum(1 - hat_R, 1e-6)) ** 2))

    strength = min(_STRENGTHS, key=error)
    trust = opinions.count / (opinions.count + _HALF_TRUSTED)
    dual_R = vector_RR @ (part_R / (value_R + strength))
    weight_D = row_RD.T @ dual_R / np.sqrt(row_RD.shape[1]) * trust / slope
    return Preference(weight_D, -float(mean_D @ weight_D), strength)


def _calibrate(
    target_R: np.ndarray, score_R: np.ndarray, is_rating_R: np.ndarray
) -> tuple[float, np.ndarray]:
    """(stars for a point of score, what the scores do not predict of the targets)."""
    share_R = is_rating_R / max(1.0, is_rating_R.sum())
    target_R = target_R - is_rating_R * (share_R @ target_R)
    score_R = score_R - is_rating_R * (share_R @ score_R)
    spread = float(np.linalg.norm(score_R)) or 1.0
    least = _LEAST_CORRELATION * float(np.linalg.norm(target_R)) / spread
    slope = max(float(target_R @ score_R) / spread**2, least) or 1.0
    return slope, target_R - slope * score_R


def _mean(right_M: np.ndarray) -> float:
    return float(np.mean(right_M))


def cross_validate(opinions: Opinions) -> CrossValidation:
    """Agreement of the score and of the taste with the person: each photo's taste is learned without that photo.

    Raises DataError for fewer than 50 ratings and answers, or where all are the same.
    """
    if opinions.count < FEW:
        raise DataError(
            f"a taste is learned from at least {FEW} ratings of photos that were scanned with --features, found "
            f"{opinions.count}: rate more photos, or scan their folder with  rgnet scan --features"
        )
    value_P = _values_unseen(opinions)
    measure: Metric
    stars: list[np.ndarray]
    if len(opinions.rated) < FEW:
        asked = opinions.equal == 0
        better, other = opinions.better[asked], opinions.other[asked]
        if not len(better):
            raise DataError("every pair was answered with equal: answer more pairs")
        columns = [_share_right(values[better] - values[other]) for values in (opinions.score_P, value_P)]
        measure, stars = _mean, []
    else:
        if len(set(opinions.stars.tolist())) < 2:
            raise DataError("all photos have the same stars: give others to those that you like more or less")
        columns = [values[opinions.rated] for values in (opinions.score_P, value_P)]
        measure, stars = pairs_in_order, [opinions.stars]
    return CrossValidation(
        generic=estimate(measure, columns[0], *stars),
        personal=estimate(measure, columns[1], *stars),
        gain=estimate(lambda one, two, *more: measure(two, *more) - measure(one, *more), *columns, *stars),
    )


def _share_right(difference: np.ndarray) -> np.ndarray:
    return (np.sign(difference) + 1) / 2


def _values_unseen(opinions: Opinions) -> np.ndarray:
    """(P,) the taste of each photo, learned without it: the mean of a few divisions into folds."""
    photos, draw = len(opinions.score_P), np.random.default_rng(0)
    repeats = _REPEATS if opinions.count <= _MOST_REPEATED else 1
    added_P = np.zeros(photos)
    for _ in range(repeats):
        fold_P = draw.permutation(photos) % _FOLDS
        for fold in range(_FOLDS):
            held_P = fold_P == fold
            preference = learn(opinions.without(held_P))
            added_P[held_P] += opinions.feature_PD[held_P] @ preference.weight_D + preference.bias
    return opinions.score_P + added_P / repeats
