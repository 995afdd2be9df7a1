"""Losses that let every region judge what people would see through it, and the photo's score hold still.

Most of a step's photos are seen once, some of them degraded; some are seen again, degraded, rearranged or covered
(`views_of`). All views go through the network at once, and `region_loss` judges what comes out.

Shape letters: B photos · N regions, a grid of H x W · P pairs of views of one photo
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from rgnet.training.lessons import RegionLessons
from rgnet.training.losses import correlation
from rgnet.training.views import covered, degraded, frames, in_float32, rearranged, tilted, warped


class Views(NamedTuple):
    """pixels_B3HW: all views: every photo once, the first `again` photos degraded, both views of each pair.

    frames_B23: of all but the pairs
    kind: of the pairs: "tiles", "tilt" (first is the better one), "cover", "crop"; places: frames of the last two
    Degraded views and pairs are left out where the lessons' shares `again` and `pairs` come to no photo.
    """

    pixels_B3HW: Tensor
    photos: int
    again: int
    frames_B23: Tensor
    kind: str
    tiles: int = 1
    places: tuple[Tensor, Tensor] | None = None


@in_float32
def views_of(pixels_B3HW: Tensor, lessons: RegionLessons, step: int) -> Views:
    """Draw the views of a step; pixels are float32 in 0 to 255."""
    count, device = len(pixels_B3HW), pixels_B3HW.device
    again, pairs = round(lessons.again * count), round(lessons.pairs * count)
    clean = count - round(lessons.degraded * count)
    frames_B23 = frames(count + again, device, zoom=lessons.zoom)
    once_B3HW = warped(pixels_B3HW, frames_B23[:count])
    more = [degraded(warped(pixels_B3HW[:again], frames_B23[count:]))] if again else []
    some_P3HW = once_B3HW[:pairs]
    draw, tiles = torch.rand(()).item(), 1
    places: tuple[Tensor, Tensor] | None = None
    if not pairs:
        kind, first, second = "none", some_P3HW, some_P3HW
    elif step % 2 == 0:
        kind = "tiles" if draw < 0.7 else "tilt"
        tiles = (2, 4, 4, 7)[int(torch.randint(4, ()))]
        first, second = rearranged(some_P3HW, tiles) if kind == "tiles" else tilted(some_P3HW)
    else:
        kind = "cover" if draw < 0.5 else "crop"
        zoom = (3.5, 7.0) if kind == "cover" else (1.6, 2.4)
        places = frames(pairs, device, zoom=zoom, flip=0), frames(pairs, device, zoom=zoom, flip=0)
        first, second = ((covered if kind == "cover" else warped)(some_P3HW, place) for place in places)
    if clean < count:
        once_B3HW = torch.cat([once_B3HW[:clean], degraded(once_B3HW[clean:])])
    return Views(torch.cat([once_B3HW, *more, first, second]), count, again, frames_B23, kind, tiles, places)


@in_float32
def region_loss(
    vote_BHW: Tensor,
    score_B: Tensor,
    views: Views,
    unit_B: Tensor,
    lessons: RegionLessons,
) -> dict[str, Tensor]:
    """The terms of the loss, weighted; their sum is what training makes small.

    vote_BHW, score_B: of every view in `views.pixels_B3HW`; unit_B: what the photos should score, in [0, 1]
    """
    count, framed = views.photos, views.photos + views.again
    once_B, again_B, paired_B = score_B[:count], score_B[count:framed], score_B[framed:]
    pairs = len(paired_B) // 2
    first_P, second_P = paired_B[:pairs], paired_B[pairs:]
    terms = {
        "score": regression(once_B, unit_B),
        "mean_votes": lessons.mean_votes * regression(vote_BHW[:count].mean(dim=(1, 2)), unit_B),
        "position": lessons.position * (common_share(vote_BHW[:count]) - 0.1).clamp(min=0),
    }
    if views.again:
        terms["steady"] = lessons.steady * F.mse_loss(again_B, once_B[: views.again].detach())
    if views.kind in ("tiles", "tilt"):
        strength = {"tilt": 0.3, "tiles": 0.5 if views.tiles == 2 else 1.0}[views.kind]
        margin_P = strength * lessons.fall * (unit_B[:pairs] - 0.3).clamp(min=0)
        hinge = (margin_P + second_P - first_P).clamp(min=0).mean()
        terms["composition"] = lessons.composition * hinge
        if views.kind == "tiles":
            in_place = (first_P - once_B[:pairs].detach()).square().mean()
            terms["in_place"] = lessons.steady / 2 * in_place
    elif views.places is not None:
        sign = -1 if views.kind == "cover" else 1
        inside = [inside_mean(vote_BHW[:pairs], place) for place in views.places]
        terms["agreement"] = lessons.agreement * agreement(inside[0] - inside[1], sign * (first_P - second_P))
    return terms


def regression(score_B: Tensor, target_B: Tensor) -> Tensor:
    """10 MSE + (1 - Pearson correlation within the batch) / 2."""
    return 10 * F.mse_loss(score_B, target_B) + (1 - correlation(score_B, target_B)) / 2


def common_share(vote_BHW: Tensor) -> Tensor:
    """Variance of the mean map over the mean variance of a map: near 1 where every photo's map looks the same."""
    common = vote_BHW.mean(dim=0).var()
    return common / (vote_BHW.flatten(1).var(dim=1).mean() + 1e-5)


def inside_mean(vote_PHW: Tensor, frame_P23: Tensor) -> Tensor:
    """Mean vote of what lies inside each frame."""
    return warped(vote_PHW[:, None], frame_P23).mean(dim=(1, 2, 3))


def agreement(vote_P: Tensor, score_P: Tensor) -> Tensor:
    """1 - cosine over pairs of places in a photo: the place with the higher votes should be the one whose covering
    costs the photo more, or whose crop scores higher."""
    return 1 - F.cosine_similarity(vote_P, score_P, dim=0, eps=1e-6)
