"""Photos for the benchmarks: 12-megapixel JPEG files made of the free photographs that scikit-image carries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

SOURCES = ("astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "rocket.jpg")
SIZE = (4000, 3000)


def twelve_megapixels(folder: Path, count: int) -> list[Path]:
    """`count` files of 4000x3000, quality 90, each another crop with a sensor's noise so that sizes are lifelike."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"photo-{index:04d}.jpg" for index in range(count)]
    draw = np.random.default_rng(0)
    for index, path in enumerate(paths):
        if not path.exists():
            make(SOURCES[index % len(SOURCES)], draw).save(path, quality=90)
    return paths


def make(source: str, draw: np.random.Generator) -> Image.Image:
    with Image.open(Path(skimage.data.__file__).parent / source) as photo:
        photo = photo.convert("RGB")
    left, top = (int(draw.integers(0, side // 5 + 1)) for side in photo.size)
    crop = photo.crop((left, top, left + photo.width * 4 // 5, top + photo.height * 4 // 5))
    pixels = np.asarray(crop.resize(SIZE, Image.Resampling.BICUBIC), dtype=np.int16)
    noise = draw.integers(-6, 7, (SIZE[1], SIZE[0], 1), dtype=np.int16)
    return Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))
