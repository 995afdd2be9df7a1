"""Every mode, depth and profile ends as 8-bit sRGB."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from rgnet.imaging.decode import decode


@pytest.fixture(scope="module")
def hard(shared):
    return shared / "photos" / "hard" / "good"


def pixels(source):
    return np.asarray(decode(source).image).astype(int)


def saved(image, kind, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def scene() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8))


def test_deep_grey_is_scaled_not_clipped():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, axis=0)
    expected = np.arange(256)[None, :, None]
    assert np.abs(pixels(saved(Image.fromarray(ramp), "PNG")) - expected).max() <= 1
    assert np.abs(pixels(saved(Image.fromarray(ramp), "TIFF")) - expected).max() <= 1
    photo = decode(saved(Image.fromarray((ramp / 65535).astype(np.float32)), "TIFF"))
    assert np.abs(np.asarray(photo.image).astype(int) - expected).max() <= 1
    assert photo.notes == ("float32 grey: taken as 0 to 1",)


def test_deep_grey_tiff_with_white_as_zero_is_not_a_negative():
    tags = ImageFileDirectory_v2()
    tags[262] = 0
    dark = Image.fromarray(np.full((4, 4), 65535, np.uint16))
    assert pixels(saved(dark, "TIFF", tiffinfo=tags)).max() == 0


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_lies_over_white(mode):
    image = Image.new("RGBA", (2, 1), (200, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 0, 0))
    found = pixels(saved(image.convert(mode), "PNG"))
    assert found[0, 1].tolist() == [255, 255, 255] and found[0, 0, 1] < 100


def test_a_hidden_grey_of_16_bits_lies_over_white():
    grey = Image.fromarray(np.array([[0, 30000]], np.uint16))
    assert pixels(saved(grey, "PNG", transparency=30000))[0, :, 0].tolist() == [0, 255]


def test_a_profile_is_applied_as_little_cms_does(hard):
    image = Image.open(hard / "jpeg" / "libvips--sample.jpg")
    adobe = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    expected = ImageCms.profileToProfile(image, adobe, ImageCms.createProfile("sRGB"))
    assert np.array_equal(pixels(hard / "jpeg" / "libvips--sample.jpg"), np.asarray(expected))


def test_cmyk_goes_through_its_profile_and_says_so_where_it_has_none(hard):
    cmyk = hard / "jpeg-cmyk" / "thumbor--cmyk-icc.jpg"
    assert np.abs(pixels(cmyk) - np.asarray(Image.open(cmyk).convert("RGB"))).mean() > 5
    bare = decode(hard / "jpeg-cmyk" / "serenity--ycck-2111.jpg")
    assert bare.notes == ("CMYK without a colour profile: colours are approximate",)


def test_lab_becomes_srgb():
    white_and_red = Image.new("LAB", (2, 1), (255, 128, 128))
    white_and_red.putpixel((1, 0), (138, 208, 195))
    found = pixels(saved(white_and_red, "TIFF"))
    assert found[0, 0].min() > 250 and found[0, 1, 0] > 240 and found[0, 1, 1:].max() < 20


def test_an_srgb_profile_changes_no_pixel():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(pixels(saved(scene(), "PNG", icc_profile=profile)), np.asarray(scene()))


def test_a_broken_profile_is_a_note():
    photo = decode(saved(scene(), "PNG", icc_profile=b"no profile at all"))
    assert photo.notes == ("colour profile ignored: it is broken (cannot open profile from string)",)
    assert np.array_equal(np.asarray(photo.image), np.asarray(scene()))


def padded_profile(seed: int, size: int) -> bytes:
    """A sound profile that is much larger than it has to be, and like no other."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile + np.random.default_rng(seed).bytes(size - len(profile))


def test_no_profile_stays_in_memory_after_its_photo():
    photos = [saved(scene(), "TIFF", icc_profile=padded_profile(seed, 8 * 2**20)) for seed in range(6)]
    decode(photos[0])
    tracemalloc.start()
    try:
        for photo in photos:
            assert decode(photo).notes == ()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 2**20


def test_a_profile_larger_than_any_real_one_is_a_note():
    plain, image = scene(), saved(scene(), "TIFF", icc_profile=padded_profile(0, 17 * 2**20))
    photo = decode(image)
    assert photo.notes == ("colour profile ignored: it is larger than any real one (17 MB)",)
    assert (np.asarray(photo.image) == np.asarray(plain)).all()


def _png(picture, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with chunks behind its header."""
    plain = saved(picture, "PNG")
    added = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return plain[:33] + added + plain[33:]


GAMMA_1 = (b"gAMA", struct.pack(">I", 100_000))
GAMMA_SRGB = (b"gAMA", struct.pack(">I", 45_455))
SRGB = (b"sRGB", b"\0")
WIDE = (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))


def test_the_gamma_of_a_png_is_applied_where_nothing_ranks_higher():
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3))
    plain = pixels(saved(ramp, "PNG"))
    for chunks in ([GAMMA_SRGB], [SRGB, GAMMA_1], [(b"cICP", b"\x01\x0d\x00\x01"), GAMMA_1]):
        found = decode(_png(ramp, *chunks))
        assert np.array_equal(np.asarray(found.image), plain) and not found.notes
    linear = pixels(_png(ramp, GAMMA_1)).reshape(-1, 3)[:, 0]
    # Half the light is 188 of 255 in sRGB
    assert linear[0] == 0 and linear[128] == 188 and linear[255] == 255


@pytest.mark.parametrize(
    ("chunk", "note"),
    [
        ((b"cICP", b"\x0a\x0d\x00\x01"), "cICP names XYZ"),
        ((b"cICP", b"\x09\x09\x00\x01"), "cICP names a logarithmic curve"),
        (WIDE, "cHRM stands without gAMA"),
        ((b"gAMA", struct.pack(">I", 1)), "gAMA is 1e-05"),
    ],
)
def test_colour_information_that_is_not_applied_is_a_note(chunk, note):
    picture = Image.new("RGB", (16, 16), (10, 200, 90))
    found = decode(_png(picture, chunk))
    assert found.notes == (f"colour information ignored: {note}",)
    assert np.array_equal(np.asarray(found.image), np.asarray(picture))
    assert decode(_png(picture, SRGB)).notes == ()


def test_colours_by_number_of_a_heif_are_converted_or_a_note():
    pillow_heif = pytest.importorskip("pillow_heif")
    picture = pillow_heif.from_pillow(Image.new("RGB", (64, 64), (10, 200, 90)))

    def notes(**numbers):
        stream = io.BytesIO()
        picture.save(stream, **numbers)
        return decode(stream.getvalue()).notes

    assert notes(color_primaries=9, transfer_characteristics=18) == ("HDR (HLG): tone-mapped to SDR",)
    assert notes(color_primaries=12, transfer_characteristics=13) == () == notes()
    found = notes(color_primaries=9, transfer_characteristics=10)
    assert found == ("colour information ignored: nclx names a logarithmic curve",)
