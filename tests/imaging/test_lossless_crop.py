"""Parts of JPEG files keep their very pixels, and what describes the photo, however it is turned."""

from io import BytesIO
from unittest import mock

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from rgnet.cli import main
from rgnet.errors import PhotoUnsupported
from rgnet.imaging.crop import Box, CropJob, read_crops
from rgnet.imaging.exif import remove_thumbnail
from rgnet.imaging.lossless import cut_jpeg

pytest.importorskip("jpeglib", reason="needs jpeglib")
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def draw(mode: str = "RGB") -> Image.Image:
    """Without a straight line, of sides that no block divides."""
    draw = np.random.default_rng(3)
    small = Image.fromarray(draw.integers(0, 255, (12, 16, 3), np.uint8))
    return small.resize((201, 149), Image.Resampling.BICUBIC).convert(mode)


def save(image: Image.Image, **options) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", quality=90, **options)
    return file.getvalue()


def upright(data: bytes) -> np.ndarray:
    with Image.open(BytesIO(data)) as image:
        return np.asarray(ImageOps.exif_transpose(image)).astype(int)


def check(data: bytes, wanted: tuple[int, int, int, int]) -> bytes:
    """Equal to the photo's pixels but for one block at its borders, where colours of neighbours are smoothed in."""
    file, (left, top, right, bottom) = cut_jpeg(data, wanted)
    assert (right - left, bottom - top) == (wanted[2] - wanted[0], wanted[3] - wanted[1])
    assert max(abs(left - wanted[0]), abs(top - wanted[1])) <= 16
    found, original = upright(file), upright(data)[top:bottom, left:right]
    assert found.shape == original.shape
    np.testing.assert_array_equal(found[2:-2, 2:-2], original[2:-2, 2:-2])
    return file


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_keeps_pixels_description_and_profile(orientation):
    exif = Image.Exif()
    exif[0x0112], exif[0x0110] = orientation, "Camera"
    file = check(save(draw(), exif=exif, icc_profile=PROFILE), (37, 21, 137, 101))
    with Image.open(BytesIO(file)) as cut:
        assert (cut.getexif()[0x0112], cut.getexif()[0x0110]) == (orientation, "Camera")
        assert cut.info["icc_profile"] == PROFILE


@pytest.mark.parametrize(
    "mode, options",
    [
        ("RGB", {"subsampling": 0}),
        ("RGB", {"subsampling": 1}),
        ("RGB", {"subsampling": 2, "progressive": True}),
        ("RGB", {"subsampling": 2, "restart_marker_rows": 1}),
        ("L", {}),
        ("CMYK", {}),
    ],
)
def test_every_kind_of_jpeg_keeps_its_pixels_also_at_the_photos_end(mode, options):
    check(save(draw(mode), **options), (51, 30, 201, 149))


def test_the_thumbnail_of_the_whole_photo_goes_and_nothing_else_moves():
    camera = b"\x01\x10\x00\x02\x00\x00\x00\x04Cam\0"
    first = b"\x00\x01" + camera + (26).to_bytes(4, "big")
    place = [b"\x02\x01\x00\x04" + bytes([0, 0, 0, 1]) + (56).to_bytes(4, "big")]
    length = [b"\x02\x02\x00\x04" + bytes([0, 0, 0, 1]) + (5).to_bytes(4, "big")]
    second = b"\x00\x02" + b"".join(place + length) + bytes(4)
    block = b"MM\0*\0\0\0\x08" + first + second + b"SMALLrest"
    cleaned = remove_thumbnail(block)
    assert len(cleaned) == len(block) and b"SMALL" not in cleaned and cleaned.endswith(b"rest")
    assert camera in cleaned and cleaned[22:26] == bytes(4)
    assert remove_thumbnail(b"broken") == b"broken"


def test_formats_without_a_lossless_way_are_refused_and_others_are_cut_as_ever(tmp_path):
    box = Box(0, 0, 0.5, 1)
    draw().save(tmp_path / "a.webp")
    with pytest.raises(
        PhotoUnsupported, match="a part of a WEBP file cannot be kept without loss: crop it without"
    ):
        read_crops(CropJob(source=str(tmp_path / "a.webp"), box=box, lossless=True))
    draw().save(tmp_path / "a.png")
    answer = read_crops(CropJob(source=str(tmp_path / "a.png"), box=box, lossless=True))
    assert answer.file_format == "PNG" and answer.pixels == (0, 0, 100, 149)


def test_the_command_says_what_lossless_needs(monkeypatch, capsys, tmp_path):
    def run(*words: object) -> str:
        with mock.patch("sys.argv", ["rgnet", "crop", *map(str, words)]), pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 2
        return capsys.readouterr().err

    words = (tmp_path / "a.jpg", "--ratio", "1:1", "--lossless")
    assert "--lossless needs --output: it only affects the files that are written" in run(*words)
    monkeypatch.setitem(__import__("sys").modules, "jpeglib", None)
    assert 'pip install ".[lossless]"' in run(*words, "-o", tmp_path / "out")
