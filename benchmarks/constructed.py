"""Frames as a camera would have taken them, made of one photo: moved, exposed otherwise, blurred, saved again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO

import numpy as np
from PIL import Image, ImageFilter

Box = tuple[float, float, float, float]
# What a frame shows of its photo, so that it can be moved
VIEW: Box = (0.1, 0.1, 0.9, 0.9)


def crop(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    """Of sides in shares of the photo."""
    width, height = image.size
    return image.crop(
        (round(left * width), round(top * height), round(right * width), round(bottom * height))
    )


def moved(image: Image.Image, right: float, down: float = 0.0) -> Image.Image:
    """The view, moved by shares of its own side."""
    x, y = 0.8 * right, 0.8 * down
    return crop(image, 0.1 + x, 0.1 + y, 0.9 + x, 0.9 + y)


def zoomed(image: Image.Image, share: float) -> Image.Image:
    """The view, with this share of its side cut off."""
    return crop(image, *(0.5 - 0.4 * (1 - share),) * 2, *(0.5 + 0.4 * (1 - share),) * 2)


def exposed(image: Image.Image, stops: float) -> Image.Image:
    """As if the shutter had been open longer: linear light, cut off at white."""
    linear = (np.asarray(image, np.float32) / 255) ** 2.2 * 2**stops
    return Image.fromarray((255 * linear.clip(0, 1) ** (1 / 2.2)).astype(np.uint8))


def blurred(image: Image.Image, sigma: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(sigma))


def saved(image: Image.Image, quality: int) -> Image.Image:
    file = BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


VARIANTS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "shift 4 %": lambda photo: moved(photo, 0.04),
    "shift 4 % both ways": lambda photo: moved(photo, 0.04, 0.04),
    "shift 10 %": lambda photo: moved(photo, 0.1),
    "+2 EV": lambda photo: exposed(moved(photo, 0), 2),
    "-2 EV": lambda photo: exposed(moved(photo, 0), -2),
    "blur, sigma 2": lambda photo: moved(blurred(photo, 2), 0),
    "JPEG, quality 40": lambda photo: saved(moved(photo, 0), 40),
    "half the size": lambda photo: moved(photo, 0).reduce(2),
    "turned by 2 degrees": lambda photo: moved(photo.rotate(2, Image.Resampling.BICUBIC), 0),
    "zoom 5 %": lambda photo: zoomed(photo, 0.05),
    "zoom 10 %": lambda photo: zoomed(photo, 0.1),
    "zoom 20 %": lambda photo: zoomed(photo, 0.2),
}


def subject_changed(photo: Image.Image, other: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Two people at one table: the same surroundings, and something else in the middle."""
    frame = moved(photo, 0)
    width, height = frame.size
    mask = Image.new("L", frame.size, 0)
    mask.paste(255, (round(0.3 * width), round(0.2 * height), round(0.7 * width), round(0.85 * height)))
    return frame, Image.composite(other.resize(frame.size), frame, blurred(mask, width / 40))


# --- sequences ---------------------------------------------------------------------------------------------


def hand_held(photo: Image.Image, count: int, draw: np.random.Generator) -> Iterator[Image.Image]:
    """Views that a hand moved by up to 2 % between frames."""
    for right, down in draw.uniform(-0.02, 0.02, (count, 2)):
        yield moved(photo, right, down)


def focused(frame: Image.Image, share: float) -> Image.Image:
    """Sharp around this share of the width, the more blurred the further away, as of a plane that recedes."""
    result = blurred(frame, 3)
    ramp = np.abs(np.linspace(0, 1, frame.width) - share)
    for sigma, reach in ((1.5, 0.35), (0, 0.18)):
        row = np.where(ramp <= reach, 255, 0).astype(np.uint8)
        mask = Image.fromarray(np.broadcast_to(row, (frame.height, frame.width)).copy())
        result = Image.composite(blurred(frame, sigma) if sigma else frame, result, blurred(mask, 2))
    return result


def focus_stack(photo: Image.Image, count: int, breathing: float = 0.0) -> Iterator[Image.Image]:
    """breathing: share of the side that the frame loses from each frame to the next, as lenses do"""
    for index in range(count):
        yield focused(zoomed(photo, breathing * index), index / (count - 1))


def panorama(photo: Image.Image, count: int, step: float, *, upright: bool = False) -> Iterator[Image.Image]:
    """Frames of a sweep over the photo, moved by `step` of their side each."""
    side = 1 / (1 + step * (count - 1))
    for index in range(count):
        start = step * side * index
        sweep, across = (start, start + side), (0.5 - side / 2, 0.5 + side / 2)
        (left, right), (top, bottom) = (across, sweep) if upright else (sweep, across)
        yield crop(photo, left, top, right, bottom)


def passing(photo: Image.Image, other: Image.Image, count: int) -> Iterator[Image.Image]:
    """A view through which a part of another photo moves from left to right."""
    side = round(0.25 * photo.width)
    part = crop(other, 0.3, 0.3, 0.7, 0.7).resize((side, side))
    for index in range(count):
        view = moved(photo, 0)
        view.paste(part, (round((view.width - side) * index / (count - 1)), round(0.4 * view.height)))
        yield view
