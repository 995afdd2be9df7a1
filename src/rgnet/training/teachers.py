"""Scores of trained models as a part of what training aims at: knowledge distillation for a rating.

The target of a photo is (1 - w) t + w (1/K) sum_k s_k, with people's rating t and the scores s_k of K teachers, all in
[0, 1] (Hinton et al., Distilling the Knowledge in a Neural Network, 2015, for regression). Teachers are more certain
than the mean of 25 people, and wrong in other ways than the student.

Shape letters: N photos · K teachers
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rgnet.atomic import replacing
from rgnet.datasets.readers import Track
from rgnet.errors import SettingError
from rgnet.scorer import open_scorer
from rgnet.training.data import PixelDataset
from rgnet.training.recipes import Recipe
from rgnet.weights.file import ModelFile

_CHUNK = 256


def adopt_teachers(recipe: Recipe, teachers: Sequence[ModelFile]) -> Recipe:
    """The recipe as it is carried out. Raises SettingError where its loss has no use for ratings, or a teacher gives
    none."""
    if teachers and recipe.loss in ("cross_entropy", "emd"):
        raise SettingError(
            f"teachers give scores, and the loss {recipe.loss} learns from classes or histograms: "
            "drop --teacher, or choose another loss, as in  --set loss=mse+plcc"
        )
    for teacher in teachers:
        if teacher.card.architecture.head == "classes":
            raise SettingError(
                f"{teacher.card.name} tells high from low, and its scores are no ratings: choose another teacher"
            )
    return replace(recipe, teachers=tuple(teacher.card.short_hash for teacher in teachers))


def follow_teachers(
    photos: PixelDataset,
    teachers: Sequence[ModelFile],
    share: float,
    cache: Path,
    *,
    track: Track,
    say: Callable[[str], None],
) -> None:
    """Mix the mean of the teachers' scores into `photos.target_N`, with weight `share`.

    cache: folder that keeps the scores, so that a resumed run does not compute them again
    """
    if not teachers:
        return
    mean_N = np.mean([_scores(photos, teacher, cache, track, say) for teacher in teachers], axis=0)
    target_N = (1 - share) * photos.unit_N.cpu().numpy() + share * mean_N
    photos.target_N = photos.unit_N.new_tensor(target_N)


def _scores(
    photos: PixelDataset, teacher: ModelFile, cache: Path, track: Track, say: Callable[[str], None]
) -> np.ndarray:
    """(N,) scores in [0, 1] of the photos as training sees them."""
    card = teacher.card
    kept = cache / f"teacher-{card.short_hash}-{_fingerprint_pixels(photos)}.npy"
    if kept.exists():
        return np.load(kept)
    say(f"scoring {len(photos)} training photos with the teacher {card.name}")
    scorer, scale = open_scorer(teacher), card.scale
    records = track(
        scorer.score_many(_arrays(photos)), total=len(photos), description=f"scoring with {card.name}"
    )
    found = [record.score for record in records]
    unit_N = (np.array(found, dtype=np.float32) - scale.low) / (scale.high - scale.low)
    cache.mkdir(parents=True, exist_ok=True)
    with replacing(kept, fsync=False) as partial, partial.open("wb") as file:
        np.save(file, unit_N)
    return unit_N


def _arrays(photos: PixelDataset) -> Iterator[np.ndarray]:
    for start in range(0, len(photos), _CHUNK):
        batch = photos.__getitems__(list(range(start, min(start + _CHUNK, len(photos)))))
        yield from batch.pixels_B3HW.permute(0, 2, 3, 1).cpu().numpy()


def _fingerprint_pixels(photos: PixelDataset) -> str:
    """Of the list by its ratings, and of the size at which its photos are seen."""
    return f"{photos.fingerprint}-{photos.pixels_NHW3.shape[1]}"
