"""bf16 on a processor leaves to float32 what float32 computes faster or better, and computes the same."""

import pytest
import torch
from torch import nn

from rgnet.training.data import Augment
from rgnet.training.lessons import RegionLessons
from rgnet.training.module import Float32DepthwiseConvs
from rgnet.training.regions import views_of

LAYERS = {
    "strided depthwise": (nn.Conv2d(8, 8, 3, stride=2, groups=8), torch.float32),
    "depthwise": (nn.Conv2d(8, 8, 3, groups=8), torch.bfloat16),
    "strided": (nn.Conv2d(8, 8, 3, stride=2), torch.bfloat16),
    "a grey photo's": (nn.Conv2d(1, 8, 3, stride=2), torch.bfloat16),
}


def see_views(photos):
    lessons = RegionLessons(degraded=0.5, again=0.5, pairs=0.5, zoom=(1.05, 1.25))
    return torch.cat([views_of(photos, lessons, step).pixels_B3HW for step in range(4)])


@pytest.mark.parametrize("name", LAYERS)
def test_only_strided_depthwise_convolutions_are_computed_in_float32(name):
    layer, expected = LAYERS[name]
    image = torch.randn(2, layer.in_channels, 16, 16)
    with Float32DepthwiseConvs(), torch.autocast("cpu", torch.bfloat16):
        assert layer(image.bfloat16()).dtype == expected


def test_their_gradient_is_that_of_float32():
    layer = LAYERS["strided depthwise"][0]
    image = torch.randn(2, 8, 16, 16).bfloat16().float()
    gradients = []
    for inside in (torch.autocast("cpu", torch.bfloat16), torch.autocast("cpu", enabled=False)):
        layer.zero_grad()
        with Float32DepthwiseConvs(), inside:
            layer(image).square().sum().backward()
        gradients.append(layer.weight.grad.clone())
    torch.testing.assert_close(*gradients, rtol=1e-6, atol=1e-6)


def test_outside_nothing_changes():
    layer = LAYERS["strided depthwise"][0]
    with Float32DepthwiseConvs():
        pass
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(2, 8, 16, 16)).dtype == torch.bfloat16


@pytest.mark.parametrize("see", [Augment(0.5, (1.05, 1.25)), see_views], ids=["augmented", "views"])
def test_photos_are_seen_with_all_their_bits(see):
    photos = torch.rand(16, 3, 64, 64, generator=torch.manual_seed(0)) * 255
    seen = []
    for enabled in (False, True):
        torch.manual_seed(1)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            seen.append(see(photos))
    assert seen[1].dtype == torch.float32 and torch.equal(*seen)
