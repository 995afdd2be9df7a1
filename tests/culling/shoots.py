"""Folders of drawn photos with capture times and settings, scored without a network."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from PIL.TiffImagePlugin import IFDRational
from sample_library import MODEL, BrightnessScorer

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.selects import Filter
from rgnet.culling.look_alikes import LookAlikes, find_groups
from rgnet.imaging.jobs import DecodeJob, run_job

SIDE = 256


@dataclass
class Shoot:
    """Photos are added with the second at which they were taken, then grouped."""

    folder: Path

    def add(self, name: str, image: Image.Image, second: float | None = None, **settings: float) -> None:
        """settings: open (seconds), iso, bias (stops)"""
        exif = Image.Exif()
        details = exif.get_ifd(0x8769)
        if second is not None:
            whole = int(second)
            details[36867] = f"2026:11:26 10:{whole // 60:02}:{whole % 60:02}"
            details[37521] = f"{round(1000 * (second - whole)):03}"
        if "open" in settings:
            details[33434] = IFDRational(round(1000 * settings["open"]), 1000)
        if "iso" in settings:
            details[34855] = int(settings["iso"])
        if "bias" in settings:
            details[37380] = IFDRational(round(3 * settings["bias"]), 3)
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        image.save(self.folder / name, quality=92, exif=exif)

    @property
    def file(self) -> Path:
        return self.folder.parent / "catalogue.sqlite"

    def remember(self) -> Shoot:
        """As a scan does, but in this process, which is quicker."""
        scorer = BrightnessScorer()
        with Catalogue.open(self.file, create=True) as catalogue, catalogue.transaction():
            catalogue.put_model(scorer.card, 0)
            for path in sorted(self.folder.rglob("*.jpg")):
                job = DecodeJob(source=str(path), preprocess=scorer.card.preprocess, measure=True)
                found = run_job(job)
                photo = catalogue.put_photo(found)
                catalogue.put_file(os.fsencode(path), photo, bytes=found.byte_count, mtime=found.mtime_ns)
                [record] = scorer.score_prepared([str(path)], [found.prepared_or_error], regions=True)
                catalogue.put_score(photo, record)
        return self

    def group(self) -> LookAlikes:
        with Catalogue.open(self.remember().file) as catalogue:
            return find_groups(catalogue, Filter(model=MODEL))

    def kinds(self) -> list[tuple[str, list[str]]]:
        """Kind and file names of each group, in the order of its frames."""
        return [
            (group.kind, [Path(frame.row.record.path).name for frame in group.frames])
            for group in self.group().groups
        ]


def draw_scene(seed: int, *, width: int = 3 * SIDE, height: int = SIDE) -> Image.Image:
    """Clouds of several sizes: something like a photo, three frames wide."""
    draw = np.random.default_rng(seed)
    grain = [(height // step, width // step) for step in (96, 40, 16, 6, 2)]
    layers = [Image.fromarray(draw.integers(0, 256, size, np.uint8)) for size in grain]
    pixels = sum(
        np.asarray(layer.resize((width, height), Image.Resampling.BICUBIC), float) for layer in layers
    )
    return Image.fromarray((20 + pixels / 6).astype(np.uint8)).convert("RGB")


def frame_at(scene: Image.Image, share: float = 1.0) -> Image.Image:
    """A square frame of a scene, so far to the right in shares of its side."""
    left = round(share * SIDE)
    return scene.crop((left, 0, left + SIDE, SIDE))


def expose(image: Image.Image, stops: float) -> Image.Image:
    """As if the shutter had been open longer: linear light, which the highlights end."""
    linear = np.square(np.asarray(image, float) / 255) * 2**stops
    return Image.fromarray((255 * np.sqrt(linear.clip(0, 1))).astype(np.uint8))


def blur(image: Image.Image, radius: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(radius))


def focus_at(image: Image.Image, share: float) -> Image.Image:
    """Sharp in a band from top to bottom at this share of the width, blurred elsewhere."""
    soft, band = blur(image, 3), SIDE // 3
    left = round(share * (SIDE - band))
    soft.paste(image.crop((left, 0, left + band, SIDE)), (left, 0))
    return soft
