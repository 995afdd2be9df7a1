"""The terms of the region loss on votes that are known."""

from dataclasses import replace

import pytest
import torch

from rgnet.training.lessons import RegionLessons
from rgnet.training.regions import Views, agreement, common_share, inside_mean, region_loss, views_of
from rgnet.training.views import frames

LESSONS = RegionLessons(again=0.5, pairs=0.5)


def views_for(kind: str, step: int, count: int = 4) -> Views:
    """The first draw that gives pairs of this kind."""
    for seed in range(50):
        torch.manual_seed(seed)
        views = views_of(torch.rand(count, 3, 64, 64) * 255, LESSONS, step)
        if views.kind == kind:
            return views
    raise AssertionError(f"no {kind} in 50 draws")


def loss_of(views: Views, score_B: torch.Tensor, unit_B: torch.Tensor) -> dict[str, torch.Tensor]:
    vote_BHW = score_B[:, None, None].expand(-1, 4, 4)
    return region_loss(vote_BHW, score_B, views, unit_B, LESSONS)


@pytest.mark.parametrize("kind, step", [("tiles", 0), ("tilt", 0), ("cover", 1), ("crop", 1)])
def test_every_photo_is_seen_once_and_some_again(kind, step):
    views = views_for(kind, step)
    assert (views.photos, views.again, len(views.pixels_B3HW)) == (4, 2, 4 + 2 + 2 * 2)
    assert len(views.frames_B23) == 6


def test_without_shares_there_are_only_photos():
    views = views_of(torch.rand(3, 3, 64, 64), replace(LESSONS, again=0, pairs=0), 0)
    assert (len(views.pixels_B3HW), views.kind) == (3, "none")
    terms = region_loss(torch.rand(3, 4, 4), torch.rand(3), views, torch.rand(3), LESSONS)
    assert terms.keys() == {"score", "mean_votes", "position"}


def test_a_photo_below_its_own_tiles_costs_and_one_far_above_does_not():
    views = views_for("tiles", 0)
    unit_B = torch.tensor([0.9, 0.7, 0.5, 0.2])
    rated = torch.cat([unit_B, unit_B[:2]])
    above = loss_of(views, torch.cat([rated, unit_B[:2], unit_B[:2] - 0.5]), unit_B)
    below = loss_of(views, torch.cat([rated, unit_B[:2], unit_B[:2] + 0.1]), unit_B)
    assert above["composition"] == 0 and below["composition"] > LESSONS.composition * 0.1
    for name in ("steady", "in_place"):
        assert above[name] == 0


def test_scores_that_do_not_hold_still_cost():
    views = views_for("crop", 1)
    unit_B = torch.tensor([0.9, 0.7, 0.5, 0.2])
    terms = loss_of(views, torch.cat([unit_B, unit_B[:2] + 0.1, torch.zeros(4)]), unit_B)
    torch.testing.assert_close(terms["steady"], torch.tensor(LESSONS.steady * 0.01))


def test_agreement_asks_for_the_same_direction():
    difference_P = torch.tensor([0.2, -0.1, 0.3])
    torch.testing.assert_close(agreement(difference_P, 5 * difference_P), torch.tensor(0.0))
    torch.testing.assert_close(agreement(difference_P, -difference_P), torch.tensor(2.0))


def test_common_share_is_one_for_equal_maps_and_small_for_unrelated_ones():
    torch.manual_seed(0)
    map_HW = torch.rand(14, 14)
    assert common_share(map_HW.expand(8, 14, 14)) > 0.99
    assert common_share(torch.rand(64, 14, 14)) < 0.05


def test_the_mean_inside_a_frame():
    vote_PHW = torch.zeros(1, 8, 8)
    vote_PHW[:, :, 4:] = 1
    frame_P23 = frames(1, vote_PHW.device, zoom=(4, 4), flip=0)
    frame_P23[:, :, 2] = torch.tensor([0.6, 0.0])
    torch.testing.assert_close(inside_mean(vote_PHW, frame_P23), torch.ones(1))
