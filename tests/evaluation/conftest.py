"""Sixty photos that people like the more, the brighter they are, and a scorer that measures just that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from rgnet.datasets.records import RatedPhoto, RatedPhotos
from rgnet.evaluation import bootstrap
from rgnet.scorer import Scorer
from rgnet.weights.card import ModelCard

SHAPES = ((60, 90), (90, 60), (72, 72))


class Brightness:
    """An engine whose score is the mean of the pixels it is fed, by which people rate too, `noise` aside."""

    name = "brightness-f32"

    def __init__(self, noise: float = 0.0) -> None:
        self.noise = noise

    def run(self, pixels_BHWC):
        light_B = pixels_BHWC.mean((1, 2, 3)) / 255
        spread_B = np.modf(light_B * 9973)[0] - 0.5
        image_BC = np.clip(light_B + self.noise * spread_B, 0, 1)[:, None]
        return image_BC, image_BC[:, None, None]


@pytest.fixture(scope="session")
def rated(tmp_path_factory) -> RatedPhotos:
    """On the scale 1 to 5; every third photo is portrait, landscape, square, and of another scene."""
    folder, draw = tmp_path_factory.mktemp("rated"), np.random.default_rng(0)
    photos = []
    for index in range(60):
        light, size = (index * 7 % 60) / 60, SHAPES[index % 3]
        pixels = draw.integers(0, 40, (size[1], size[0], 3)) + 210 * light
        path = folder / f"{index:02}.png"
        Image.fromarray(pixels.astype(np.uint8)).save(path)
        mean = round(1 + 4 * light, 1)
        photos.append(RatedPhoto(path.name, path, mean, scene=("sea", "town", "wood")[index % 3]))
    return RatedPhotos(
        name="light",
        low=1.0,
        high=5.0,
        people="nobody",
        train=tuple(photos[:10]),
        held_out=tuple(photos[10:20]),
        test=tuple(photos[20:]),
        threshold=3.0,
    )


@pytest.fixture
def card(tiny_file) -> ModelCard:
    return tiny_file.card


@pytest.fixture
def scorer_of(tiny_file):
    """A scorer that sees brightness through `noise`, its card changed as told."""

    def make(noise: float = 0.0, **changes) -> Scorer:
        return Scorer(
            replace(tiny_file, card=replace(tiny_file.card, **changes)), Brightness(noise), threads=1
        )

    return make


@pytest.fixture
def few_draws(monkeypatch) -> None:
    monkeypatch.setattr(bootstrap, "RESAMPLES", 100)
