"""Augmentation, learning rates and revived batch norms do what their docstrings say."""

import pytest
import torch
from torch import nn

from rgnet.training.data import Augment, PixelDataset, load_training, resize_batch
from rgnet.training.optimizers import rate_factor
from rgnet.training.recipes import recipe
from rgnet.training.start import revive_batch_norms


def test_poly_decay_of_the_paper():
    paper = recipe("ava_paper")
    for epoch in (0, 1, 40, 79):
        assert rate_factor(paper, epoch * 100 + 50, 8000) == pytest.approx((1 - epoch / 80) ** 0.9)


def test_cosine_decay_warms_up_and_ends_at_nothing():
    compact = recipe("para", ["warmup=0.1"])
    rates = [rate_factor(compact, step, 1000) for step in range(1001)]
    assert rates[0] < 0.02 and max(rates) == pytest.approx(1, abs=0.01) and rates[1000] == 0
    assert rates[:100] == sorted(rates[:100]) and rates[101:] == sorted(rates[101:], reverse=True)


def test_augmentation_off_is_the_identity_and_flip_mirrors():
    image = torch.rand(4, 3, 32, 40) * 255
    torch.testing.assert_close(Augment(flip=0, zoom=(1, 1))(image), image, rtol=0, atol=0.01)
    torch.testing.assert_close(Augment(flip=1, zoom=(1, 1))(image), image.flip(3), rtol=0, atol=0.01)


def test_zoom_crops_inside_the_photo():
    ramp = torch.linspace(0, 255, 64).expand(16, 3, 64, 64)
    torch.manual_seed(0)
    out = Augment(flip=0, zoom=(1.25, 1.25))(ramp)
    width = out[:, 0, 0, -1] - out[:, 0, 0, 0]
    torch.testing.assert_close(width, torch.full((16,), 255 / 1.25), rtol=0.02, atol=0)
    assert out[:, 0, 0, 0].std() > 1


def test_resizing_to_the_same_side_changes_nothing():
    image = torch.rand(1, 3, 32, 32)
    assert resize_batch(image, 32) is image
    assert resize_batch(image, 16).shape == (1, 3, 16, 16)


def test_batches_give_each_photo_its_own_rating():
    pixels = torch.arange(10, dtype=torch.uint8)[:, None, None, None].expand(10, 4, 4, 3).numpy()
    loader = load_training(PixelDataset(pixels, torch.arange(10) / 10), 4, rank=0, world=1, seed=0)
    for pixels_B3HW, unit_B, *_ in loader:
        assert pixels_B3HW.shape == (4, 3, 4, 4)
        torch.testing.assert_close(pixels_B3HW[:, 0, 0, 0] / 10, unit_B)


@torch.no_grad()
def test_revived_norms_compute_what_they_did_and_have_real_statistics():
    torch.manual_seed(0)
    backbone = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.BatchNorm2d(4)
    )
    for norm in (backbone[1], backbone[4]):
        norm.bias.normal_()
    image = torch.randn(16, 3, 12, 12)
    before = backbone.eval()(image)
    revive_batch_norms(backbone, image)
    torch.testing.assert_close(backbone.eval()(image), before, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(backbone[1].running_mean, backbone[0](image).mean((0, 2, 3)))
