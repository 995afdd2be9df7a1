"""How far a score moves when a photo changes in ways that people would not mind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps

from rgnet.errors import SettingError
from rgnet.evaluation.metrics import srcc
from rgnet.evaluation.predictions import SAMPLE, SCORED, Predictions, draw_sample
from rgnet.imaging.decode import decode
from rgnet.results import ScoredPhoto, ScoreFailure
from rgnet.scorer import Scorer
from rgnet.weights.card import HALVED


@dataclass(frozen=True, slots=True)
class Shift:
    """What one change does to the scores of the sample; mean and largest are absolute, in points of the
    model's scale.

    srcc: rank correlation of the scores before and after
    """

    change: str
    photos: int
    mean: float
    largest: float
    srcc: float

    def __str__(self) -> str:
        if not self.photos:
            return f"{self.change:24}does not apply to these photos"
        return (
            f"{self.change:24}moves a score by {self.mean:.3f}, by {self.largest:.3f} at most, "
            f"ranks agree to {self.srcc:.3f}, {self.photos} photos"
        )


def half(image: Image.Image) -> Image.Image:
    size = max(1, image.width // 2), max(1, image.height // 2)
    return image.resize(size, Image.Resampling.LANCZOS)


def jpeg(image: Image.Image) -> Image.Image:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=50)
    return Image.open(stream).convert("RGB")


def crop(image: Image.Image) -> Image.Image:
    """5 % of each side gone, half of it at either edge."""
    across, down = round(0.025 * image.width), round(0.025 * image.height)
    return image.crop((across, down, image.width - across, image.height - down))


def square(image: Image.Image) -> Image.Image:
    """Centred on a black square; a square photo stays as it is."""
    side = max(image.size)
    return ImageOps.pad(image, (side, side)) if image.width != image.height else image


_CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    HALVED: half,
    "JPEG quality 50": jpeg,
    "cropped by 5 %": crop,
    "padded to a square": square,
    "flipped left to right": ImageOps.mirror,
}


def measure_stability(
    scorer: Scorer,
    predictions: Predictions,
    *,
    sample: int = SAMPLE,
    track: Callable[[Iterable[ScoredPhoto]], Iterable[ScoredPhoto]] = iter,
) -> tuple[Shift, ...]:
    """Score a fixed sample of the photos that have a score, before and after each of _CHANGES.

    Both times from full-size pixels, so that only the change can move the score. A change that does not apply
    (a square photo is not padded) is measured on the photos it applies to.
    """
    if sample < 3:
        raise SettingError(f"stability needs a sample of at least 3 photos, not {sample}")
    records = [predictions.records[index] for index in draw_sample(predictions, sample)]
    rows = [_score_changes(scorer, record) for record in track(records)]
    before_N, *after_CN = np.array(rows).T
    return tuple(
        _summarise(change, before_N, after_N) for change, after_N in zip(_CHANGES, after_CN, strict=True)
    )


def _score_changes(scorer: Scorer, record: ScoredPhoto) -> list[float]:
    """The score of the photo itself and after every change; NaN where a change leaves it as it is."""
    image = decode(record.path, policy=SCORED).image
    changed = [change(image) for change in _CHANGES.values()]
    records = scorer.score([image, *changed])
    same = [False, *(other is image for other in changed)]
    return [
        np.nan if unchanged or isinstance(record, ScoreFailure) else record.score
        for unchanged, record in zip(same, records, strict=True)
    ]


def _summarise(change: str, before_N: np.ndarray, after_N: np.ndarray) -> Shift:
    both = ~np.isnan(before_N) & ~np.isnan(after_N)
    before_N, after_N = before_N[both], after_N[both]
    if not len(before_N):
        return Shift(change, 0, np.nan, np.nan, np.nan)
    moved_N = np.abs(after_N - before_N)
    return Shift(change, len(moved_N), float(moved_N.mean()), float(moved_N.max()), srcc(before_N, after_N))
