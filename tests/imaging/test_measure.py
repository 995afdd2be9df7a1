"""What photos are compared by: it stays while the photo does, and says where a photo is sharp and what is white."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from rgnet.imaging.jobs import DecodeJob, run_job
from rgnet.imaging.measure import TILES, measure
from rgnet.imaging.preprocess import Preprocess


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    """Clouds of several sizes, as photos have details of several sizes."""
    draw = np.random.default_rng(0)
    layers = [Image.fromarray(draw.integers(0, 256, (n, n), np.uint8)) for n in (4, 16, 64, 600)]
    pixels = sum(np.asarray(layer.resize((900, 600), Image.Resampling.BICUBIC), float) for layer in layers)
    return Image.fromarray((pixels / 4).astype(np.uint8)).convert("RGB")


def sharpness(image: Image.Image) -> np.ndarray:
    return np.frombuffer(measure(image).sharpness, np.float16).reshape(TILES, TILES)


def distance(image: Image.Image, other: Image.Image) -> int:
    return (measure(image).hash ^ measure(other).hash).bit_count()


def test_the_hash_stays_where_the_photo_does(photo):
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=40)
    darker = photo.point(lambda value: value // 2)
    changed = (photo.filter(ImageFilter.GaussianBlur(3)), Image.open(file), darker, photo.resize((300, 200)))
    assert max(distance(photo, other) for other in changed) <= 6
    assert distance(photo, photo.transpose(Image.Transpose.ROTATE_180)) > 18


def test_the_sharp_part_is_found(photo):
    blurred = photo.filter(ImageFilter.GaussianBlur(3))
    blurred.paste(photo.crop((450, 0, 900, 600)), (450, 0))
    found = sharpness(blurred)
    assert found[:, 5:].min() > 2 * found[:, :3].max()


def test_a_smaller_copy_is_no_sharper(photo):
    small = sharpness(photo.resize((225, 150)))
    assert small.max() < sharpness(photo).max()


def test_white_pixels_are_counted(photo):
    dark = photo.point(lambda value: value // 2)
    dark.paste((255, 255, 255), (0, 0, 900, 150))
    assert measure(dark).clipped == pytest.approx(0.25, abs=0.01)
    assert measure(photo.point(lambda value: min(value, 200))).clipped == 0


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (700, 2)])
def test_photos_of_any_shape_are_measured(size):
    found = measure(Image.new("RGB", size, (90, 90, 90)))
    assert len(found.thumbnail) == 256 and not np.frombuffer(found.sharpness, np.float16).any()


def test_only_a_job_that_asks_for_it_is_measured(photo):
    file = io.BytesIO()
    photo.save(file, "PNG")
    job = {"source": file.getvalue(), "preprocess": Preprocess(size=64)}
    assert run_job(DecodeJob(**job)).measurement is None
    assert run_job(DecodeJob(**job, measure=True)).measurement == measure(photo)
