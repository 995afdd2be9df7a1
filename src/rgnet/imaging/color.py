"""Any Pillow image to 8-bit sRGB: deep grey scaled, profiles converted, transparency laid over white."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from functools import lru_cache
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from rgnet.imaging.coding import describe_hdr, find_colors
from rgnet.imaging.transfer import convert_image

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

# The colour model a profile describes, and the Pillow mode that holds it
_PROFILE_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_MODE_WORDS = {"L": "grey"}

# The largest real ones, of printing presses, have a few megabytes
_MAX_PROFILE_BYTES = 16 * 2**20
_CACHED_TRANSFORMS = 32

# A file does not say what its white is in 32-bit and float grey: the smallest of these that holds its maximum
_INTEGER_WHITES = (255.0, 65535.0, 4294967295.0)
_FLOAT_WHITES = (1.0, *_INTEGER_WHITES)

_ALPHA_BASE = {"LA": "L", "La": "L", "1": "L", "L": "L"}

_TIFF_BITS, _TIFF_PHOTOMETRIC, _WHITE_IS_ZERO, _TIFF_SAMPLE_FORMAT = 258, 262, 0, 339


def to_srgb(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """A new image in mode RGB and the sRGB colour space, with notes on what had to be worked around."""
    stated = find_colors(image.info)
    profile = None if stated.outranks_profile else image.info.get("icc_profile")
    notes: list[str] = []
    if image.mode.startswith(("I", "F")):
        image, notes = _eight_bits(image)
    image, alpha = _split_alpha(image)
    image, more = _convert(image, profile)
    if stated.coding is not None:
        image = convert_image(image, stated.coding)
    more = [*more, *stated.notes, *describe_hdr(stated.coding)]
    if alpha is not None:
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=alpha)
        image = white
    return image, notes + more


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colours alone, in a mode that a profile can apply to, and the transparency if there is any."""
    if image.has_transparency_data:
        base = _ALPHA_BASE.get(image.mode, "RGB")
        whole = image.convert("LA" if base == "L" else "RGBA")
        return whole.convert(base), whole.getchannel("A")
    if image.mode in ("RGB", "L", "CMYK", "LAB"):
        return image, None
    return image.convert("L" if image.mode == "1" else "RGB"), None


# --- deep grey -------------------------------------------------------------------------------------------


def _eight_bits(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """Grey of 16 or 32 bits or floats as L or LA: scaled, where Pillow's own conversion would clip."""
    values, tags = np.asarray(image), getattr(image, "tag_v2", {})
    notes: list[str] = []
    if image.mode.startswith("I;16"):
        bits = tags.get(_TIFF_BITS, (16,))[0]
        ramp = np.arange(65536) * (255 / (2**bits - 1))
        grey = np.rint(ramp).clip(0, 255).astype(np.uint8)[values]
    else:
        # Pillow reads unsigned values of 32 bits as signed ones
        if tags and values.dtype == np.int32 and 1 in np.atleast_1d(tags.get(_TIFF_SAMPLE_FORMAT, 1)):
            values = values.view(np.uint32)
        grey, notes = _scaled(values)
    if tags.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO:
        grey = 255 - grey
    result = Image.fromarray(grey)
    hidden = image.info.get("transparency")
    if isinstance(hidden, int):
        result.putalpha(Image.fromarray(np.where(values == hidden, 0, 255).astype(np.uint8)))
    return result, notes


def _scaled(values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    whites = _INTEGER_WHITES if values.dtype.kind in "iu" else _FLOAT_WHITES
    white = next((white for white in whites if values.max() <= white), float(values.max()))
    grey = np.rint(values * np.float32(255 / white)).clip(0, 255).astype(np.uint8)
    return grey, [f"{values.dtype} grey: taken as 0 to {white:g}"]


# --- profiles --------------------------------------------------------------------------------------------


def _convert(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, list[str]]:
    """`image` through its profile to sRGB; a profile that is broken or of another model is left out."""
    if image.mode == "LAB":
        return _lab_to_srgb(image), []
    if profile and len(profile) > _MAX_PROFILE_BYTES:
        found = f"{len(profile) / 2**20:.0f} MB"
        return image.convert("RGB"), [f"colour profile ignored: it is larger than any real one ({found})"]
    if not profile:
        plain = ["CMYK without a colour profile: colours are approximate"] if image.mode == "CMYK" else []
        return image.convert("RGB"), plain
    try:
        model, transform = _transform(profile)
    except Exception as problem:
        return image.convert("RGB"), [f"colour profile ignored: it is broken ({problem})"]
    if (model, image.mode) == ("RGB", "L"):
        image = image.convert("RGB")
    if model != image.mode:
        is_for, found = (_MODE_WORDS.get(mode, mode) for mode in (model, image.mode))
        return image.convert("RGB"), [f"colour profile ignored: it is for {is_for}, the photo is {found}"]
    return (image.convert("RGB") if transform is None else transform.apply(image)), []


_transforms: OrderedDict[bytes, tuple[str, ImageCmsTransform | None]] = OrderedDict()
_transforms_lock = Lock()


def _transform(profile: bytes) -> tuple[str, ImageCmsTransform | None]:
    """(mode, transform) of a profile to sRGB; the transform is None where it would change nothing visible.

    The last few are cached by their profile's hash: profiles themselves may be large. Little CMS transforms are
    read-only once built, so that threads share them.
    """
    key = hashlib.sha256(profile).digest()
    with _transforms_lock:
        if key in _transforms:
            _transforms.move_to_end(key)
            return _transforms[key]
    built = _build_transform(profile)
    with _transforms_lock:
        _transforms[key] = built
        while len(_transforms) > _CACHED_TRANSFORMS:
            _transforms.popitem(last=False)
    return built


def _build_transform(profile: bytes) -> tuple[str, ImageCmsTransform | None]:
    from PIL import ImageCms

    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    if space not in _PROFILE_MODES:
        raise ValueError(f"its colour model is {space!r}, not one of {', '.join(_PROFILE_MODES)}")
    mode = _PROFILE_MODES[space]
    transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    return mode, None if _changes_nothing(transform, mode) else transform


def _changes_nothing(transform, mode: str) -> bool:
    """True if no colour of a coarse grid moves by more than 2 of 255: an sRGB profile under any name."""
    if mode == "CMYK":
        return False
    ramp = np.arange(0, 256, 17, dtype=np.uint8)
    grid = np.stack(np.meshgrid(ramp, ramp, ramp), axis=-1).reshape(1, -1, 3) if mode == "RGB" else ramp[None]
    probe = Image.fromarray(grid)
    moved = np.asarray(transform.apply(probe)).astype(int) - np.asarray(probe.convert("RGB"))
    return bool(np.abs(moved).max() <= 2)


@lru_cache(maxsize=1)
def _lab_transform():
    from PIL import ImageCms

    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(lab, srgb, "LAB", "RGB")


def _lab_to_srgb(image: Image.Image) -> Image.Image:
    return _lab_transform().apply(image)
