"""What training by `rgnet.training.regions` asks for beside the score, as plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionLessons:
    """Weights of the terms of `rgnet.training.regions.region_loss`, and how views are drawn.

    mean_votes:  of the loss of the plain mean of the votes, beside that of the score
    steady:      of the squared difference between the scores of two views of a photo
    composition: of the hinge that puts a photo above itself rearranged or tilted
    agreement:   of the cosine between differences of votes and differences of scores, see `agreement`
    position:    of the share of the votes' variance that all photos have in common beyond a tenth
    degraded:    share of the photos that are seen degraded the first time
    again:       share of the photos that are seen a second time, degraded
    pairs:       share of the photos that take part in `composition` and, every other step, in `agreement`
    fall:        in [0, 1], by how much the best photos should fall when they are rearranged; the worst need not
    """

    mean_votes: float = 0.5
    steady: float = 1.0
    composition: float = 0.12
    agreement: float = 0.03
    position: float = 0.3
    degraded: float = 0.1
    again: float = 0.125
    pairs: float = 0.0625
    fall: float = 0.3
    zoom: tuple[float, float] = (1.0, 1.0)
