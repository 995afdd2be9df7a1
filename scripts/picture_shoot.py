"""A small shoot for the documentation's pictures, cut from the freely licensed photos that scikit-image carries.

astronaut (NASA), hubble_deep_field (NASA, ESA) and rocket (SpaceX) are in the public domain, camera, chelsea and coffee
CC0: the docstrings of `skimage.data` name origin and licence.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
from PIL import Image, ImageFilter
from PIL.TiffImagePlugin import IFDRational

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from clips import dissolve, write
from raw_files import dng

from rgnet.xmp.marks import plan_marks
from rgnet.xmp.sidecar import apply

# What a person has marked in the small shoot
MARKS: dict[str, dict[str, Any]] = {
    "DSC_0100": {},
    "DSC_0101": {"pick": "rejected"},
    "DSC_0108": {"colour": "green"},
    "DSC_0111": {"stars": 5, "colour": "red"},
    "DSC_0114": {},
    "DSC_0121": {"colour": "yellow"},
    "DSC_0130": {"stars": 2, "colour": "purple"},
    "DSC_0141": {"pick": "picked", "colour": "blue"},
}

_CLIP = (480, 270)
_LONG_SIDE = 1500
_ORIGINAL, _SUBSECOND, _SHUTTER, _ISO, _BIAS, _MODEL = 36867, 37521, 33434, 34855, 37380, 272


def make_shoot(folder: Path) -> None:
    """A burst of a cat, a scene with an astronaut, cups, a launch bracketed as raw + JPEG, a panorama, and others."""
    folder.mkdir(parents=True)
    _add_cat(folder)
    _add_astronaut(folder)
    _add_cups(folder)
    _add_launch(folder)
    _add_sky(folder)
    camera = _read("camera")
    _add(folder / "DSC_0130.jpg", _cut(camera, 0.05, 0.0, 0.9, 0.68), "10:40:00")
    _add(folder / "DSC_0131.jpg", _cut(camera, 0.25, 0.1, 0.5, 0.72), "11:20:00")


def make_marked_shoot(folder: Path) -> None:
    """Eight photos of the shoot; sidecars with a person's marks are next to six of them."""
    make_shoot(folder)
    for path in folder.iterdir():
        if path.suffix != ".jpg" or path.stem not in MARKS:
            path.unlink()
    for name, marks in MARKS.items():
        apply(plan_marks(folder / f"{name}.jpg", **marks).change)


def make_clip(path: Path) -> None:
    """Black, a pan over a cat, which dissolves into cups, then an astronaut after a cut."""
    shots = [_pan(name) for name in ("chelsea", "coffee", "astronaut")]
    black = [np.zeros_like(shots[0][0])] * 12
    write(path, [*black, *dissolve(shots[0], shots[1], 0.8), *shots[2]])


def _pan(name: str) -> list[np.ndarray]:
    """Three seconds of a slow pan."""
    image, (width, height) = _read(name), _CLIP
    room = 1.15 * width / image.width
    wide = image.resize((round(room * image.width), round(room * image.height)), Image.Resampling.LANCZOS)
    pixels, top = np.asarray(wide), (wide.height - height) // 8
    return [
        pixels[top : top + height, left : left + width] for left in range(75) if left + width <= wide.width
    ]


def _add_cat(folder: Path) -> None:
    cat = _read("chelsea")
    frames = [_cut(cat, 0.02 + 0.012 * index, 0.02, 0.9, 0.9) for index in range(5)]
    frames[1] = frames[1].filter(ImageFilter.GaussianBlur(7))
    frames[3] = frames[3].filter(ImageFilter.GaussianBlur(3))
    for index, frame in enumerate(frames):
        _add(folder / f"DSC_010{index}.jpg", frame, f"09:00:0{index // 2}", milliseconds=500 * (index % 2))
    _add(folder / "DSC_0108.jpg", _cut(cat, 0.33, 0.05, 0.3, 0.75), "09:10:00")


def _add_astronaut(folder: Path) -> None:
    portrait = _read("astronaut")
    for index in range(3):
        frame = _cut(portrait, 0.08 + 0.02 * index, 0.0 + 0.01 * index, 0.66, 0.95)
        _add(folder / f"DSC_011{index}.jpg", frame, f"09:30:{15 * index:02}")
    _add(folder / "DSC_0114.jpg", _cut(portrait, 0.55, 0.0, 0.45, 0.33), "09:50:00")


def _add_cups(folder: Path) -> None:
    coffee = _read("coffee")
    for index in range(2):
        frame = _cut(coffee, 0.02, 0.03 * index, 0.94, 0.94)
        frame = frame if index else frame.filter(ImageFilter.GaussianBlur(4))
        _add(folder / f"DSC_012{index}.jpg", frame, f"10:05:0{index}")
    _add(folder / "DSC_0124.jpg", _cut(coffee, 0.3, 0.1, 0.38, 0.86), "10:20:00")


def _add_launch(folder: Path) -> None:
    """Three exposures 1.5 stops apart, each as a DNG and a JPEG."""
    launch = _read("rocket")
    for index, stops in enumerate((-1.5, 0, 1.5)):
        frame, time = _expose(launch, stops), f"11:30:0{index}"
        _add(folder / f"DSC_014{index}.jpg", frame, time, shutter=2**stops / 100, iso=200, bias=stops)
        raw = dng(frame.resize((480, 320)), taken=f"2026:11:21 {time}", model="Camera")
        (folder / f"DSC_014{index}.dng").write_bytes(raw)


def _add_sky(folder: Path) -> None:
    sky = _read("hubble_deep_field")
    for index in range(4):
        _add(
            folder / f"DSC_015{index}.jpg", _cut(sky, 0.16 * index, 0.2, 0.42, 0.55), f"22:10:{3 * index:02}"
        )
    _add(folder / "DSC_0156.jpg", _cut(sky, 0.2, 0.55, 0.6, 0.4), "22:30:00")


def _read(name: str) -> Image.Image:
    return Image.fromarray(getattr(skimage.data, name)()).convert("RGB")


def _cut(image: Image.Image, left: float, top: float, width: float, height: float) -> Image.Image:
    """A part in shares of the sides, enlarged to the size of a small photo."""
    part = image.crop(
        (
            round(left * image.width),
            round(top * image.height),
            round((left + width) * image.width),
            round((top + height) * image.height),
        )
    )
    scale = _LONG_SIDE / max(part.size)
    return part.resize((round(part.width * scale), round(part.height * scale)), Image.Resampling.LANCZOS)


def _expose(image: Image.Image, stops: float) -> Image.Image:
    """As if the shutter had been open longer."""
    linear = (np.asarray(image, float) / 255) ** 2.2 * 2**stops
    return Image.fromarray((255 * linear.clip(0, 1) ** (1 / 2.2)).astype(np.uint8))


def _add(path: Path, image: Image.Image, time: str, **settings: Any) -> None:
    """settings: milliseconds, shutter (seconds), iso, bias (stops)"""
    exif = Image.Exif()
    exif[_MODEL] = "Camera"
    details = exif.get_ifd(0x8769)
    details[_ORIGINAL] = f"2026:11:21 {time}"
    details[_SUBSECOND] = f"{settings.get('milliseconds', 0):03}"
    if "shutter" in settings:
        details[_SHUTTER] = IFDRational(round(10_000 * settings["shutter"]), 10_000)
        details[_ISO] = settings["iso"]
        details[_BIAS] = IFDRational(round(10 * settings["bias"]), 10)
    image.save(path, quality=88, exif=exif)
