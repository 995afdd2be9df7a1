"""The decoding policy: what is accepted, what is refused and how, and that nothing outside changes."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageFile
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from raw_files import STORED

from rgnet.errors import PhotoDamaged, PhotoError, PhotoNotFound, PhotoRefused, PhotoUnsupported
from rgnet.imaging.decode import decode
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.preprocess import Preprocess

# Width and height of these, as stored, are swapped by an orientation tag or irot
TURNED = {
    *("g4_orientation_5", "g4_orientation_8", "rot1mir0", "rot3mir0", "Landscape_5", "Portrait_5"),
    *("Portrait_6", "Portrait_7", "Portrait_8", "orientation-7", "paris_exif_orientation_5"),
    *("libvips--6", "serenity--orientation", "sideways_bench"),
}
# The manifest holds the coded size of these, the container crops it
CROPPED = {"RGBA_8__29x100.heif": (29, 100), "RGB_10__29x100.heif": (29, 100)}


@pytest.fixture(scope="module")
def hard(shared):
    return shared / "photos" / "hard"


def listed(hard, folder):
    with (hard / "manifest.csv").open() as lines:
        return [row for row in csv.DictReader(lines) if row["folder"] == folder]


def pixels(source, **options):
    return np.asarray(decode(source, **options).image).astype(int)


def saved(image, kind, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def scene(width=96, height=64) -> Image.Image:
    """Smooth, and different under every one of the eight orientations."""
    row, column = np.mgrid[0:height, 0:width]
    red, green = 255 * column / (width - 1), 255 * row / (height - 1)
    return Image.fromarray(np.stack([red, green, (red + green) / 4], axis=-1).astype(np.uint8))


def exif(orientation) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


# --- real files ------------------------------------------------------------------------------------------


def test_every_good_photo_decodes_upright_and_without_a_warning(hard):
    rows = listed(hard, "good")
    assert len(rows) == 131
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for row in rows:
            photo = decode(hard / row["file"], at_least=(300, 300))
            expected = int(row["width"]), int(row["height"])
            if any(name in row["file"] for name in TURNED):
                expected = expected[::-1]
            expected = CROPPED.get(row["file"].rpartition("--")[2], expected)
            assert (photo.width, photo.height) == expected, row["file"]
            assert photo.image.mode == "RGB" and photo.image.info == {}, row["file"]


# Pillow warns about the broken tags of a TIFF that it then refuses
@pytest.mark.filterwarnings("ignore:Tag data larger:UserWarning", "ignore:Corrupt EXIF:UserWarning")
def test_every_bad_file_is_refused_by_a_photo_error_that_names_it(hard):
    rows = listed(hard, "bad")
    assert len(rows) == 43
    for row in rows:
        with pytest.raises(PhotoError) as refused:
            decode(hard / row["file"])
        assert str(refused.value).startswith(str(hard / row["file"])), row["file"]


@pytest.mark.parametrize("partial", [False, True])
def test_odd_files_give_a_photo_or_a_photo_error(hard, partial):
    for row in listed(hard, "odd"):
        try:
            photo = decode(hard / row["file"], policy=DecodePolicy(accept_partial=partial))
        except PhotoError:
            continue
        assert photo.image.size == (photo.width, photo.height), row["file"]


@pytest.mark.parametrize("family, others", [("Portrait_1", (2, 3, 5, 6, 7, 8)), ("Landscape_1", (0, 5))])
def test_the_exif_examples_are_the_same_picture(hard, family, others):
    folder = hard / "good" / "exif-orientation"
    reference = pixels(folder / f"exif-orientation-examples--{family}.jpg")
    for orientation in others:
        name = f"exif-orientation-examples--{family[:-1]}{orientation}.jpg"
        # Each has its number painted on it, so that a few pixels differ by more than JPEG noise
        assert np.abs(pixels(folder / name) - reference).mean() < 4, name


def test_a_fraction_of_a_large_jpeg_resizes_like_the_whole(hard):
    fit = Preprocess()
    for name in ("extreme/zune-image--large_no_samp_7680_4320.jpg", "jpeg-gainmap/libvips--ultra-hdr.jpg"):
        whole, fraction = decode(hard / "good" / name), decode(hard / "good" / name, at_least=(300, 300))
        assert fraction.image.width < whole.image.width and fraction.image.height >= 600
        assert (fraction.width, fraction.height) == whole.image.size
        difference = np.abs(fit(whole.image).astype(int) - fit(fraction.image))
        assert difference.mean() < 0.5 and np.quantile(difference, 0.999) <= 4, name


def test_bombs_are_refused_on_their_header(hard):
    file = hard / "bad" / "bomb" / "sharp--65536-uint32-limit.png"
    with pytest.raises(PhotoRefused) as refused:
        decode(file)
    assert str(refused.value) == (
        f"{file}: this photo has 65536 x 65536 pixels, at most 200000000 are accepted: "
        "shrink it or raise max_pixels of the DecodePolicy"
    )


def test_the_limit_comes_before_the_decoder_of_jpeg_xl(hard, monkeypatch):
    from pillow_jxl import JpegXLImagePlugin

    monkeypatch.delattr(JpegXLImagePlugin, "JXLImageFile")
    for name in ("conformance--grayscale_jpeg", "serenity--xyb"):
        with pytest.raises(PhotoRefused, match=r"this photo has (200 x 200|64 x 138) pixels, at most 100"):
            decode(hard / "good" / "jxl" / f"{name}.jxl", policy=DecodePolicy(max_pixels=100))


def test_many_threads_decode_what_one_does(hard):
    files = [hard / row["file"] for row in listed(hard, "good") if int(row["bytes"]) < 100_000]
    alone = [pixels(file) for file in files]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(pixels, files * 3))
    assert all(np.array_equal(a, b) for a, b in zip(alone * 3, together, strict=True))


# --- orientation -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_orientations_decode_to_one_picture(kind, orientation):
    stored = scene().transpose(STORED[orientation]) if orientation > 1 else scene()
    data = saved(stored, kind, exif=exif(orientation), quality=95)
    for source in (data, Image.open(io.BytesIO(data))):
        photo = decode(source)
        assert (photo.width, photo.height) == photo.image.size == (96, 64)
        assert np.abs(np.asarray(photo.image).astype(int) - np.asarray(scene())).max() < 16


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_fraction_heeds_that_orientation_swaps_the_axes(orientation):
    stored = scene(800, 400) if orientation == 1 else scene(800, 400).transpose(STORED[6])
    photo = decode(saved(stored, "JPEG", exif=exif(orientation)), at_least=(100, 50))
    assert (photo.width, photo.height) == (800, 400)
    assert photo.image.size == (200, 100)


def test_a_jpeg_packed_as_jpeg_xl_keeps_its_orientation_and_a_true_jpeg_xl_ignores_exif(tmp_path):
    import pillow_jxl  # noqa: F401 -- to write them

    (tmp_path / "turned.jpg").write_bytes(saved(scene().transpose(STORED[6]), "JPEG", exif=exif(6)))
    for packed, size in ((True, (96, 64)), (False, (64, 96))):
        with warnings.catch_warnings(), Image.open(tmp_path / "turned.jpg") as image:
            warnings.simplefilter("ignore")
            data = saved(image, "JXL", lossless_jpeg=packed)
        assert decode(data).image.size == size


def test_a_broken_exif_block_is_a_note_and_never_a_warning(hard):
    data = saved(scene(), "JPEG", exif=b"Exif\0\0XX junk")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(data).notes == (
            "orientation unknown: EXIF block starts with b'XX j', not with II or MM",
        )
        assert decode(hard / "odd" / "jpeg" / "Pillow--hopper_bad_exif.jpg").notes == ()


# --- sources, limits, messages ---------------------------------------------------------------------------


def test_all_kinds_of_source_give_the_same_pixels(tmp_path):
    expected, data = np.asarray(scene()), saved(scene(), "PNG")
    (tmp_path / "a.jpg").write_bytes(data)
    for source in (tmp_path / "a.jpg", str(tmp_path / "a.jpg"), data, scene(), expected):
        assert np.array_equal(pixels(source), expected)
    assert pixels(expected[..., 0]).shape == (64, 96, 3)


def test_the_image_of_the_caller_is_left_alone():
    image = Image.open(io.BytesIO(saved(scene(), "JPEG", exif=exif(6))))
    photo = decode(image)
    assert photo.image is not image and image.size == (96, 64) and image.getexif()[0x0112] == 6


@pytest.mark.parametrize(
    "array", [np.zeros((3, 4, 4)), np.zeros((3, 4, 2), np.uint8), np.zeros((0, 4), np.uint8)]
)
def test_other_arrays_are_refused(array):
    with pytest.raises(PhotoRefused) as refused:
        decode(array)
    assert str(refused.value) == (
        "the array: expected (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA of uint8, "
        f"found {array.shape} of {array.dtype}: convert it first"
    )


def test_messages_name_the_photo_the_finding_and_the_remedy(tmp_path):
    cases = [
        (tmp_path / "none.jpg", PhotoNotFound, "there is no such file: check the path"),
        (tmp_path, PhotoRefused, "this is a folder, not a photo: name a file"),
        (b"", PhotoDamaged, "this file is empty: copy it again from its source"),
        (
            b"%PDF-1.7",
            PhotoUnsupported,
            "this is a PDF document, not a photo that rgnet reads: export it as JPEG or PNG",
        ),
        (b" <!DOCTYPE html>", PhotoUnsupported, "this is a web page, not a photo: download the photo itself"),
        (b"GARBAGE!", PhotoUnsupported, "it begins with b'GARBAGE!'): convert it to JPEG or PNG"),
        (
            saved(scene(), "PNG")[:-100],
            PhotoDamaged,
            "this PNG file is damaged and ends in the middle of the picture: copy it again from its source",
        ),
        (
            7,
            PhotoRefused,
            "an object of type int: expected a path, bytes, a Pillow image or an array: open it first",
        ),
        ("https://a/b.jpg", PhotoNotFound, "rgnet opens files, not addresses: download it first"),
    ]
    for source, kind, message in cases:
        with pytest.raises(kind) as refused:
            decode(source)
        assert message in str(refused.value)


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PhotoRefused, match="this is a pipe or a device, not a photo"):
        decode(tmp_path / "pipe.jpg")


def test_byte_limit():
    with pytest.raises(
        PhotoRefused, match="this file has 11 bytes, at most 10 are accepted: shrink it or raise max_bytes"
    ):
        decode(b"\xff\xd8\xff" + bytes(8), policy=DecodePolicy(max_bytes=10))


@pytest.mark.parametrize("tag", [254, 50706])
def test_camera_raw_is_not_scored_by_its_thumbnail(tag):
    tags = ImageFileDirectory_v2()
    tags[tag] = 1 if tag == 254 else b"\1\4\0\0"
    with pytest.raises(PhotoRefused, match="this is a camera raw file, which is opened only in a process of"):
        decode(saved(scene(), "TIFF", tiffinfo=tags))


@pytest.mark.parametrize("kind, options", [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {})])
def test_a_truncated_photo_is_partial_on_request_only(kind, options):
    noise = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    whole = saved(Image.fromarray(noise), kind, **options)
    with pytest.raises(PhotoDamaged):
        decode(whole[: len(whole) // 2])
    photo = decode(whole[: len(whole) // 2], policy=DecodePolicy(accept_partial=True))
    assert photo.notes == ("partial: the file ends before the picture does",)
    assert np.asarray(photo.image)[:16].std() > 5


# --- nothing outside changes -----------------------------------------------------------------------------


def test_nothing_global_changes(hard):
    def settings():
        switches = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, "HEIF" in Image.OPEN
        return switches, list(warnings.filters)

    before = settings()
    for file in ("good/heif/libheif--colors-with-alpha.heic", "good/gif/Pillow--chi.gif"):
        decode(hard / file)
    assert settings() == before


def test_importing_loads_neither_torch_nor_a_rare_decoder():
    code = "import sys, rgnet.imaging.decode; print([m for m in sys.modules if m in sys.argv])"
    rare = [
        "torch",
        "pillow_heif",
        "pillow_jxl",
        "PIL.ImageCms",
        "PIL.AvifImagePlugin",
        "PIL.TiffImagePlugin",
    ]
    found = subprocess.run([sys.executable, "-c", code, *rare], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_progressive_jpeg_of_too_many_scans_is_refused_before_it_is_decoded(shared):
    with pytest.raises(PhotoRefused, match="this progressive JPEG has 3010 scans, at most 100 are accepted"):
        decode(shared / "cases" / "scanbomb.jpg")
    assert decode(saved(scene(), "JPEG", progressive=True)).image.size == (96, 64)
