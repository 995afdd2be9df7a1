"""The shapes that photos are resized to: few, bounded, and near to the photo's own."""

import math

import pytest

from rgnet.errors import SettingError
from rgnet.imaging.preprocess import RATIOS, Preprocess, apart, shapes


@pytest.mark.parametrize(("size", "multiple"), [(224, 16), (300, 16), (300, 8), (512, 16)])
def test_shapes_are_few_within_the_budget_and_true_to_the_common_ratios(size, multiple):
    found = shapes(size, multiple)
    assert found[0] == (size, size) and len(found) == 2 * len(RATIOS) - 1 == len(set(found))
    for width, height in found[1:]:
        assert width % multiple == height % multiple == 0
        assert 0.75 * size**2 <= width * height <= size**2
        assert (height, width) in found
    for ratio, (width, height) in zip(RATIOS, found, strict=False):
        assert math.exp(apart(width / height, ratio)) <= 1.055


def test_a_photo_goes_to_the_nearest_shape_and_no_everyday_photo_is_stretched_by_more_than_an_eighth():
    keep = Preprocess(size=224, fit="keep")
    wanted = {
        (4000, 3000): (256, 192), (6000, 4000): (272, 176), (1920, 1080): (288, 160), (1080, 1920): (160, 288),
        (1000, 1000): (224, 224), (50, 1000): (80, 624), (9, 4): (336, 144),
    }  # fmt: skip
    for photo, target in wanted.items():
        assert keep.target(*photo) == target
    for width in range(500, 2000, 7):
        columns, rows = keep.target(width, 1000)
        assert math.exp(apart(columns / rows, width / 1000)) < 1.125
    assert Preprocess(size=224).target(1920, 1080) == (224, 224)


def test_what_has_no_room_or_no_name_is_refused():
    with pytest.raises(
        SettingError, match="a size of 8 pixels has no room for a region of 16: make it larger"
    ):
        Preprocess(size=8, fit="keep").target(3, 2)
    with pytest.raises(SettingError, match="fit is 'squash' or 'keep', not 'crop'"):
        Preprocess(fit="crop")
