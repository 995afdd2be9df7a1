"""Views of photos against Pillow, and what must stay the same in them."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from rgnet.training.views import covered, degraded, frames, jpeg, rearranged, smaller, tilted, warped


def photos(count: int = 2, side: int = 64) -> torch.Tensor:
    """Smooth surfaces, as photos have."""
    draw = np.random.default_rng(0)
    coarse = draw.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    large = [
        np.array(Image.fromarray(each).resize((side, side), Image.Resampling.BICUBIC)) for each in coarse
    ]
    return torch.from_numpy(np.stack(large)).permute(0, 3, 1, 2).float()


def test_jpeg_is_near_pillows():
    image_B3HW = photos()
    stream = io.BytesIO()
    Image.fromarray(image_B3HW[0].permute(1, 2, 0).byte().numpy()).save(stream, "JPEG", quality=50)
    expected = torch.from_numpy(np.array(Image.open(stream))).permute(2, 0, 1).float()
    found = jpeg(image_B3HW, torch.tensor([50.0, 95.0]))
    changed = (image_B3HW[0] - expected).abs().mean()
    assert (found[0] - expected).abs().mean() < changed / 2
    assert (found[1] - image_B3HW[1]).abs().mean() < (found[0] - image_B3HW[0]).abs().mean()


def test_a_frame_of_the_whole_photo_leaves_it_as_it_is():
    image_B3HW = photos()
    for flip, expected in ((0, image_B3HW), (1, image_B3HW.flip(3))):
        found = warped(image_B3HW, frames(2, image_B3HW.device, zoom=(1, 1), flip=flip))
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-2)


@pytest.mark.parametrize("tiles", [2, 4])
def test_tiles_keep_their_content_and_change_their_places(tiles):
    torch.manual_seed(0)
    image_B3HW = photos()
    in_place, shuffled = rearranged(image_B3HW, tiles, jitter=0)
    torch.testing.assert_close(in_place, image_B3HW, rtol=0, atol=1e-2)
    assert (shuffled - image_B3HW).abs().mean() > 5

    def sums(image: torch.Tensor) -> torch.Tensor:
        """Of every tile, in order of size."""
        side = image.shape[-1] // tiles
        return torch.nn.functional.avg_pool2d(image.mean(1, keepdim=True), side).flatten(1).sort().values

    torch.testing.assert_close(sums(shuffled), sums(image_B3HW), rtol=0, atol=1e-2)


def test_photos_of_any_side_are_cut_into_any_number_of_tiles():
    torch.manual_seed(0)
    image_B3HW = photos(side=160)
    in_place, shuffled = rearranged(image_B3HW, 7, jitter=0)
    torch.testing.assert_close(in_place, image_B3HW, rtol=0, atol=1e-2)
    assert (shuffled - image_B3HW).abs().mean() > 5


def test_seams_are_the_same_in_place_and_shuffled():
    torch.manual_seed(0)
    in_place, shuffled = rearranged(photos(side=112), 2)
    one, other = (image.flatten(2).sort().values for image in (in_place, shuffled))
    torch.testing.assert_close(one, other, rtol=0, atol=1e-2)


def test_both_sides_of_a_tilt_are_enlarged_alike():
    torch.manual_seed(0)
    flat = torch.full((3, 3, 64, 64), 70.0)
    flat[:, :, 24:40, 24:40] = 200
    level, tilt = tilted(flat)
    area = [(image > 135).float().mean() for image in (level, tilt)]
    assert abs(area[0] - area[1]) < 0.03 and area[0] > 1.05 * 16**2 / 64**2


def test_only_what_lies_in_the_frame_is_covered():
    torch.manual_seed(0)
    image_B3HW = torch.rand(2, 3, 64, 64) * 255
    changed = (covered(image_B3HW, frames(2, image_B3HW.device, zoom=(4, 4), flip=0)) != image_B3HW).any(
        dim=1
    )
    assert torch.allclose(changed.float().mean(dim=(1, 2)), torch.tensor(1 / 16), atol=0.02)


def test_smaller_and_degraded_photos_keep_shape_range_and_mean():
    torch.manual_seed(0)
    image_B3HW = photos(5)
    for found in (smaller(image_B3HW, 0.4), degraded(image_B3HW)):
        assert found.shape == image_B3HW.shape and found.min() >= 0 and found.max() <= 255
        torch.testing.assert_close(found.mean(dim=(2, 3)), image_B3HW.mean(dim=(2, 3)), rtol=0, atol=3)
